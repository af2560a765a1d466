//! Looks at the hot log: pages in both directions, its head, and where it begins.

use domain::words::{Position, RoomId};

use crate::drafts::{at, ids, message, room, seqs};
use crate::scene::{Kind, Node, Terms};

async fn room_of(node: &Node, count: u64) -> RoomId {
    let room = room("past");
    for _ in 0..count {
        node.publish(message(&room, "x")).await;
    }
    room
}

pub(crate) async fn an_untouched_room_has_a_head_and_nothing_else(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let room = room("empty");
    for subscribed in [false, true] {
        if subscribed {
            node.subscribe(&room).await;
        }
        let after = node.broker.after(&room, Position::START, 10).await.unwrap();
        let newest = node.broker.newest(&room, None, 10).await.unwrap();
        assert_eq!(after, newest);
        assert_eq!((after.head, after.oldest, after.entries), (Position::START, None, vec![]));
    }
    assert_eq!(node.publish(message(&room, "x")).await.position, at(1), "looking takes no number");
}

pub(crate) async fn pages_walk_forwards_from_any_position(kind: Kind) {
    let scene = kind.scene().await;
    let (node, other) = (scene.node("a").await, scene.node("b").await);
    let room = room_of(&node, 10).await;
    for (after, limit, expected) in [
        (0, 4, vec![1, 2, 3, 4]),
        (4, 4, vec![5, 6, 7, 8]),
        (8, 4, vec![9, 10]),
        (10, 4, vec![]),
        (99, 4, vec![]),
        (0, 1000, (1..=10).collect()),
    ] {
        let span = other.broker.after(&room, at(after), limit).await.unwrap();
        assert_eq!(seqs(&span.entries), expected, "after {after}, at most {limit}");
        assert_eq!((span.head, span.oldest), (at(10), Some(at(1))));
    }
}

pub(crate) async fn pages_walk_backwards_from_any_number(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let room = room_of(&node, 10).await;
    for (before, limit, expected) in [
        (None, 3, vec![8, 9, 10]),
        (Some(8), 3, vec![5, 6, 7]),
        (Some(2), 3, vec![1]),
        (Some(1), 3, vec![]),
        (Some(0), 3, vec![]),
        (Some(11), 2, vec![9, 10]),
        (Some(1 << 52), 2, vec![9, 10]),
        (None, 1000, (1..=10).collect()),
    ] {
        let span = node.broker.newest(&room, before, limit).await.unwrap();
        assert_eq!(seqs(&span.entries), expected, "before {before:?}, at most {limit}");
        assert_eq!((span.head, span.oldest), (at(10), Some(at(1))));
    }
}

pub(crate) async fn a_look_of_no_length_still_tells_the_head(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let room = room_of(&node, 3).await;
    let after = node.broker.after(&room, Position::START, 0).await.unwrap();
    let newest = node.broker.newest(&room, None, 0).await.unwrap();
    assert_eq!(after, newest);
    assert_eq!((after.head, after.oldest, after.entries), (at(3), Some(at(1)), vec![]));
}

pub(crate) async fn positions_are_compared_by_epoch_first(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let room = room_of(&node, 3).await;
    let earlier = Position { epoch: 0, seq: 1 << 40 };
    assert_eq!(seqs(&node.broker.after(&room, earlier, 9).await.unwrap().entries), [1, 2, 3]);
    let later = Position { epoch: 2, seq: 0 };
    assert_eq!(seqs(&node.broker.after(&room, later, 9).await.unwrap().entries), [0_u64; 0]);
}

pub(crate) async fn a_trimmed_hot_log_says_where_it_begins(kind: Kind) {
    const HOT: usize = 10;
    const PUBLISHED: u64 = 500;
    let node = kind.scene_with(Terms { hot_log: HOT, ..Terms::default() }).await.node("a").await;
    let room = room_of(&node, PUBLISHED).await;
    let span = node.broker.after(&room, Position::START, 1000).await.unwrap();
    let oldest = span.oldest.expect("the newest entries are held");
    // It may be trimmed roughly, but is never shorter than asked for.
    assert!(oldest > at(1) && oldest.seq <= PUBLISHED - HOT as u64 + 1, "{oldest}");
    assert_eq!(seqs(&span.entries), (oldest.seq..=PUBLISHED).collect::<Vec<_>>());
    assert_eq!(span.head, at(PUBLISHED));
    let newest = node.broker.newest(&room, None, HOT).await.unwrap();
    assert_eq!(ids(&newest.entries), ids(&span.entries[span.entries.len() - HOT..]));
    assert_eq!((newest.head, newest.oldest), (span.head, span.oldest));
}
