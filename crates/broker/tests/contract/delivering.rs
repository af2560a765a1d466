//! What is published reaches every subscribed node, in order, whole, and nobody else.

use bytes::Bytes;
use domain::words::{
    Author, ClientId, ConnectionId, Draft, Entry, KeyId, Kind as Change, MessageId, Position, RoomId, Sealed,
    Timestamp, UserId,
};

use crate::drafts::{at, entries, ids, message, room, seqs, user};
use crate::scene::{Kind, Node, Terms, WAIT, claim, read_all, until};

pub(crate) async fn every_subscribed_node_hears_everything_in_order_the_publishers_own_too(kind: Kind) {
    let scene = kind.scene().await;
    let (mut one, mut two) = (scene.node("a").await, scene.node("b").await);
    let room = room("talk");
    one.subscribe(&room).await;
    two.subscribe(&room).await;
    let mut sent = Vec::new();
    for _ in 0..100 {
        sent.push(one.publish(message(&room, "x")).await.id);
    }
    for node in [&mut one, &mut two] {
        let heard = node.ear.take(100).await;
        assert_eq!(ids(&heard), sent);
        assert_eq!(seqs(&heard), (1..=100).collect::<Vec<_>>());
    }
}

pub(crate) async fn nothing_is_missed_from_the_moment_that_subscribing_returns(kind: Kind) {
    let scene = kind.scene().await;
    let (mut listener, speaker) = (scene.node("a").await, scene.node("b").await);
    for number in 0..200 {
        let room = room(&number.to_string());
        listener.subscribe(&room).await;
        let sent = speaker.publish(message(&room, "x")).await;
        let heard = listener.ear.next().await;
        assert_eq!((heard.draft.id, heard.position, heard.draft.room), (sent.id, sent.position, room));
    }
}

/// Publishes in `left` and then in `kept` until the node hears of `kept` alone. They lie in one shard, whose entries come
/// by one stream: what is heard of `kept` tells what was not heard of `left`. Returns what was published in `left`.
async fn ceased(node: &mut Node, left: &RoomId, kept: &RoomId) -> u64 {
    for round in 1..=100 {
        node.publish(message(left, "x")).await;
        let mark = node.publish(message(kept, "x")).await.id;
        let mut heard_left = false;
        loop {
            let entry = node.ear.next().await;
            heard_left |= entry.draft.room == *left;
            if entry.draft.id == mark {
                break;
            }
        }
        if !heard_left {
            return round;
        }
    }
    panic!("deliveries of a room go on after it was unsubscribed")
}

pub(crate) async fn unsubscribing_ends_the_deliveries_of_that_room_alone(kind: Kind) {
    let scene = kind.scene_with(Terms { shards: 1, ..Terms::default() }).await;
    let (mut one, mut two) = (scene.node("a").await, scene.node("b").await);
    let (left, kept) = (room("left"), room("kept"));
    for node in [&one, &two] {
        node.subscribe(&left).await;
        node.subscribe(&kept).await;
    }
    one.broker.unsubscribe(&left).await.unwrap();
    one.broker.unsubscribe(&left).await.expect("unsubscribing is idempotent");
    one.broker.unsubscribe(&room("never")).await.expect("unsubscribing is idempotent");
    let rounds = ceased(&mut one, &left, &kept).await;
    for seq in 1..=rounds {
        for room in [&left, &kept] {
            let heard = two.ear.next().await;
            assert_eq!((&heard.draft.room, heard.position), (room, at(seq)), "the other node hears on");
        }
    }
    one.subscribe(&left).await;
    let again = two.publish(message(&left, "heard again")).await;
    assert_eq!(one.ear.next().await.position, again.position);
}

pub(crate) async fn subscribing_twice_is_subscribing_once(kind: Kind) {
    let scene = kind.scene_with(Terms { shards: 1, ..Terms::default() }).await;
    let mut node = scene.node("a").await;
    let (left, kept) = (room("left"), room("kept"));
    for room in [&left, &left, &kept] {
        node.subscribe(room).await;
    }
    node.publish(message(&left, "x")).await;
    node.publish(message(&left, "y")).await;
    assert_eq!(seqs(&node.ear.take(2).await), [1, 2], "nothing is delivered twice");
    node.broker.unsubscribe(&left).await.unwrap();
    ceased(&mut node, &left, &kept).await;
}

/// One draft of every kind, which between them have every field in every state.
fn every_sort() -> Vec<Draft> {
    let place = RoomId::of_user(&user("anna b|c@example.org"));
    let sealed = |key: Option<&str>, bytes: &'static [u8]| Sealed {
        key: key.map(|key| KeyId::parse(key).unwrap()),
        bytes: Bytes::from_static(bytes),
    };
    let plain = message(&place, "plain");
    let target = Some(plain.id);
    let change = |kind, body| Draft { id: MessageId::new(), kind, target, body, ..plain.clone() };
    let numeric = |id| Author { user: UserId::number(id).unwrap(), name: Some("Ünal \"7\" | \0x".into()) };
    let named = Author { user: user("🦀 crab"), name: Some("".into()) };
    vec![
        Draft {
            client_id: Some(ClientId::parse("c|1 ü").unwrap()),
            origin: Some(ConnectionId::new()),
            sent_at: Timestamp(-1),
            ..change(Change::Edit, sealed(Some("2026-11.k_1"), b"\0\xff\r\n\0binary\0"))
        },
        Draft { author: numeric(-(1 << 53)), ..change(Change::React, sealed(Some("k"), b"\x80\x00")) },
        Draft { author: named, ..change(Change::Unreact, sealed(None, b"\0")) },
        Draft { author: numeric(7), ..change(Change::Delete, sealed(None, b"")) },
        Draft { sent_at: Timestamp(i64::MAX), ..plain },
    ]
}

/// Equality of users is that of their text, so whether they are numbers is asked beside it.
fn whole(entries: &[Entry]) -> Vec<(Position, Draft, bool)> {
    let parts = |entry: &Entry| (entry.position, entry.draft.clone(), entry.draft.author.user.is_numeric());
    entries.iter().map(parts).collect()
}

pub(crate) async fn every_field_survives_the_delivery_the_hot_log_and_the_journal(kind: Kind) {
    let scene = kind.scene().await;
    let (speaker, mut listener) = (scene.node("a").await, scene.node("b").await);
    let drafts = every_sort();
    let room = drafts[0].room.clone();
    listener.subscribe(&room).await;
    let mut sent = Vec::new();
    for draft in drafts {
        let position = speaker.publish(draft.clone()).await.position;
        sent.push(Entry { position, draft });
    }
    let expected = whole(&sent);
    assert_eq!(whole(&listener.ear.take(sent.len()).await), expected, "delivered");
    let logged = listener.broker.after(&room, Position::START, 100).await.unwrap();
    assert_eq!(whole(&logged.entries), expected, "hot log");
    let worker = scene.worker("w").await;
    let leases = claim(&*worker, 4).await;
    let kept = read_all(&*worker, &leases).await;
    assert_eq!(whole(&entries(&kept)), expected, "journal");
}

pub(crate) async fn a_large_binary_body_survives(kind: Kind) {
    let mut node = kind.scene().await.node("a").await;
    let room = room("large");
    node.subscribe(&room).await;
    let bytes: Bytes = (0..256 * 1024_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    let draft = Draft { body: Sealed { key: None, bytes }, ..message(&room, "") };
    node.publish(draft.clone()).await;
    assert!(node.ear.next().await.draft == draft, "delivered whole");
    let logged = node.broker.newest(&room, None, 1).await.unwrap();
    assert!(logged.entries[0].draft == draft, "logged whole");
}

pub(crate) async fn it_is_proven_that_deliveries_arrive(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let age = until("a proof", async || node.broker.probe_age()).await;
    assert!(age < WAIT);
}
