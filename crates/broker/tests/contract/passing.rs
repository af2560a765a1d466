//! What passes without a number: in the order of its room, to everybody who listens there, and to nobody else.

use bytes::Bytes;
use domain::words::{ConnectionId, KeyId, MessageId, Passing, Position, RoomId, Sealed};

use crate::drafts::{at, message, room};
use crate::ear::Heard;
use crate::scene::{Kind, Node, Terms, claim, read_all};

fn passing(room: &RoomId) -> Passing {
    let body = Sealed { key: None, bytes: Bytes::from_static(b"anna writes") };
    Passing { room: room.clone(), id: MessageId::new(), origin: None, body }
}

async fn pass(node: &Node, passing: &Passing) {
    node.broker.pass(passing.clone()).await.expect("it is told");
}

/// What stands where in a room: an entry's number, or what passed.
fn place(heard: &Heard) -> Result<u64, MessageId> {
    match heard {
        Heard::Entry(entry) => Ok(entry.position.seq),
        Heard::Passing(passing) => Err(passing.id),
        Heard::Census(change) => panic!("nobody comes or leaves here: {change:?}"),
    }
}

pub(crate) async fn what_passes_stands_among_the_entries_in_the_order_of_the_calls(kind: Kind) {
    let scene = kind.scene().await;
    let (mut one, mut two) = (scene.node("a").await, scene.node("b").await);
    let room = room("order");
    one.subscribe(&room).await;
    two.subscribe(&room).await;
    let mut expected = Vec::new();
    for round in 0..100 {
        // The callers take turns, so that each call follows one of the other node's.
        let (speaker, other) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        expected.push(Ok(speaker.publish(message(&room, "x")).await.position.seq));
        for node in [other, speaker] {
            let passed = passing(&room);
            pass(node, &passed).await;
            expected.push(Err(passed.id));
        }
    }
    for node in [&mut one, &mut two] {
        let mut heard = Vec::new();
        while heard.len() < expected.len() {
            heard.push(place(&node.ear.any().await));
        }
        assert_eq!(heard, expected);
    }
}

pub(crate) async fn what_passes_reaches_every_subscribed_node_once_and_nobody_else(kind: Kind) {
    let scene = kind.scene_with(Terms { shards: 1, ..Terms::default() }).await;
    let (mut one, mut two) = (scene.node("a").await, scene.node("b").await);
    let (mut elsewhere, mut gone) = (scene.node("c").await, scene.node("d").await);
    let (here, there) = (room("here"), room("there"));
    for node in [&one, &two, &gone] {
        node.subscribe(&here).await;
    }
    gone.broker.unsubscribe(&here).await.unwrap();
    for node in [&one, &elsewhere, &gone] {
        node.subscribe(&there).await;
    }
    let passed = passing(&here);
    pass(&one, &passed).await;
    // One shard is one stream: behind this nothing of the former is heard any more.
    let ends = [one.publish(message(&here, "end")).await.id, one.publish(message(&there, "end")).await.id];
    assert_eq!(one.ear.until(ends[0]).await, [Heard::Passing(passed.clone())]);
    assert_eq!(two.ear.until(ends[0]).await, [Heard::Passing(passed)]);
    assert_eq!(elsewhere.ear.until(ends[1]).await, []);
    assert_eq!(gone.ear.until(ends[1]).await, []);
}

pub(crate) async fn what_passes_survives_whole(kind: Kind) {
    let scene = kind.scene().await;
    let (speaker, mut listener) = (scene.node("a").await, scene.node("b").await);
    let room = RoomId::parse("user:anna b|c@example.org 🦀").unwrap();
    listener.subscribe(&room).await;
    let large: Bytes = (0..64 * 1024_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    for passed in [
        passing(&room),
        Passing { origin: Some(ConnectionId::new()), ..passing(&room) },
        Passing { body: Sealed { key: None, bytes: Bytes::new() }, ..passing(&room) },
        Passing { body: Sealed { key: Some(KeyId::parse("k.1").unwrap()), bytes: large }, ..passing(&room) },
    ] {
        pass(&speaker, &passed).await;
        assert_eq!(listener.ear.any().await, Heard::Passing(passed));
    }
}

pub(crate) async fn what_passes_is_neither_numbered_nor_kept(kind: Kind) {
    let scene = kind.scene().await;
    let node = scene.node("a").await;
    let room = room("unkept");
    for _ in 0..3 {
        pass(&node, &passing(&room)).await;
    }
    let span = node.broker.after(&room, Position::START, 9).await.unwrap();
    assert_eq!((span.head, span.entries.len()), (Position::START, 0));
    assert_eq!(node.publish(message(&room, "x")).await.position, at(1));
    let worker = scene.worker("w").await;
    let leases = claim(&*worker, 4).await;
    assert_eq!(read_all(&*worker, &leases).await.len(), 1);
}
