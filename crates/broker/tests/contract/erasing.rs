//! Withdrawn entries: the hot log keeps their place and shows nothing of what they said.

use domain::ports::Span;
use domain::words::{Draft, MessageId, Position, RoomId};

use crate::drafts::{at, author, message, room, seqs};
use crate::scene::{Kind, Node, Terms, claim, read_all};

/// Publishes `count` messages in a room; returns their drafts.
async fn said(node: &Node, room: &RoomId, count: usize) -> Vec<Draft> {
    let drafts: Vec<Draft> = (0..count).map(|_| message(room, "said")).collect();
    for draft in &drafts {
        node.publish(draft.clone()).await;
    }
    drafts
}

async fn erase(node: &Node, room: &RoomId, position: Position) {
    node.broker.erase(room, position).await.expect("it is erased, or was not there");
}

/// The numbers that are shown without a body.
fn empty(span: &Span) -> Vec<u64> {
    let empty = span.entries.iter().filter(|entry| entry.draft.body.bytes.is_empty());
    empty.map(|entry| entry.position.seq).collect()
}

pub(crate) async fn an_erased_entry_keeps_its_place_and_shows_no_body(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let room = room("erased");
    let drafts = said(&one, &room, 10).await;
    for seq in [3, 10, 3, 1] {
        erase(&one, &room, at(seq)).await;
    }
    let span = two.broker.after(&room, Position::START, 100).await.unwrap();
    assert_eq!(seqs(&span.entries), (1..=10).collect::<Vec<_>>(), "no number is missing");
    assert_eq!((span.head, span.oldest, empty(&span)), (at(10), Some(at(1)), vec![1, 3, 10]));
    for (entry, draft) in span.entries.iter().zip(&drafts) {
        let expected = Draft { body: draft.body.clone(), ..entry.draft.clone() };
        assert_eq!((&expected, &entry.draft.body.key), (draft, &None), "the rest of it stays");
    }
    let newest = two.broker.newest(&room, None, 8).await.unwrap();
    assert_eq!((seqs(&newest.entries), empty(&newest)), ((3..=10).collect(), vec![3, 10]));
    let middle = two.broker.newest(&room, Some(6), 3).await.unwrap();
    assert_eq!((seqs(&middle.entries), empty(&middle)), (vec![3, 4, 5], vec![3]));
    let behind = two.broker.after(&room, at(3), 3).await.unwrap();
    assert_eq!((seqs(&behind.entries), empty(&behind)), (vec![4, 5, 6], vec![]));
}

pub(crate) async fn what_comes_after_an_erased_entry_is_shown(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let (room, other) = (room("goes-on"), room("other"));
    said(&node, &room, 2).await;
    said(&node, &other, 3).await;
    erase(&node, &room, at(2)).await;
    said(&node, &room, 1).await;
    let span = node.broker.after(&room, Position::START, 100).await.unwrap();
    assert_eq!((seqs(&span.entries), empty(&span)), (vec![1, 2, 3], vec![2]));
    let other = node.broker.after(&other, Position::START, 100).await.unwrap();
    assert_eq!((other.entries.len(), empty(&other)), (3, vec![]), "each room by itself");
}

pub(crate) async fn erasing_what_is_not_there_does_nothing(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let (empty_room, room) = (room("empty"), room("kept"));
    erase(&node, &empty_room, at(1)).await;
    said(&node, &room, 2).await;
    for position in [at(0), at(3), Position { epoch: 2, seq: 1 }, Position { epoch: 0, seq: 2 }] {
        erase(&node, &room, position).await;
    }
    said(&node, &room, 2).await;
    said(&node, &empty_room, 1).await;
    let span = node.broker.after(&room, Position::START, 100).await.unwrap();
    assert_eq!((seqs(&span.entries), empty(&span)), (vec![1, 2, 3, 4], vec![]));
    let span = node.broker.newest(&empty_room, None, 100).await.unwrap();
    assert_eq!((seqs(&span.entries), empty(&span)), (vec![1], vec![]));
}

pub(crate) async fn what_was_trimmed_is_forgotten_and_what_is_left_stays_erased(kind: Kind) {
    let node = kind.scene_with(Terms { hot_log: 10, ..Terms::default() }).await.node("a").await;
    let room = room("trimmed");
    said(&node, &room, 5).await;
    erase(&node, &room, at(5)).await;
    said(&node, &room, 495).await;
    for seq in [5, 495, 500] {
        erase(&node, &room, at(seq)).await;
    }
    let span = node.broker.after(&room, Position::START, 1000).await.unwrap();
    assert!(span.oldest.expect("the newest are held") > at(5));
    assert_eq!(empty(&span), [495, 500]);
    assert_eq!(seqs(&span.entries).last(), Some(&500));
}

pub(crate) async fn the_journal_keeps_what_the_hot_log_hides(kind: Kind) {
    let scene = kind.scene().await;
    let node = scene.node("a").await;
    let room = room("journal");
    let draft = Draft { id: MessageId::new(), author: author("bert"), ..message(&room, "said") };
    node.publish(draft.clone()).await;
    erase(&node, &room, at(1)).await;
    let worker = scene.worker("w").await;
    let leases = claim(&*worker, 4).await;
    let records = read_all(&*worker, &leases).await;
    assert_eq!(records[0].entry.as_ref().map(|entry| &entry.draft), Ok(&draft));
}
