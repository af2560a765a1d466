//! One order per room, stamped by the broker alone.

use crate::drafts::{at, ids, message, room, seqs};
use crate::scene::Kind;

pub(crate) async fn numbers_begin_at_epoch_1_seq_1_and_rise_by_one(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let room = room("count");
    for seq in 1..=50 {
        let draft = message(&room, "x");
        let (id, published) = (draft.id, node.publish(draft).await);
        assert_eq!((published.position, published.id, published.repeated), (at(seq), id, false));
    }
}

pub(crate) async fn every_room_counts_by_itself(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    for seq in 1..=3 {
        for name in ["a", "b", "c", "d", "e"] {
            let node = if seq % 2 == 0 { &one } else { &two };
            assert_eq!(node.publish(message(&room(name), "x")).await.position, at(seq));
        }
    }
}

pub(crate) async fn publishers_on_two_nodes_make_one_order_that_both_hear(kind: Kind) {
    const TASKS: usize = 8;
    const EACH: usize = 200;
    let scene = kind.scene().await;
    let (mut one, mut two) = (scene.node("a").await, scene.node("b").await);
    let room = room("crowd");
    one.subscribe(&room).await;
    two.subscribe(&room).await;
    let publishers = (0..TASKS).map(|task| {
        let broker = if task % 2 == 0 { one.broker.clone() } else { two.broker.clone() };
        let room = room.clone();
        tokio::spawn(async move {
            let mut places = Vec::with_capacity(EACH);
            for _ in 0..EACH {
                places.push(broker.publish(message(&room, "x")).await.expect("accepted").position.seq);
            }
            places
        })
    });
    let mut places = Vec::new();
    for publisher in publishers.collect::<Vec<_>>() {
        let own = publisher.await.expect("the publisher ends well");
        assert!(own.is_sorted_by(|a, b| a < b), "one sender's messages keep their order");
        places.extend(own);
    }
    places.sort_unstable();
    let all: Vec<u64> = (1..=(TASKS * EACH) as u64).collect();
    assert_eq!(places, all, "numbers without a gap");
    let (at_one, at_two) = (one.ear.take(TASKS * EACH).await, two.ear.take(TASKS * EACH).await);
    assert_eq!(seqs(&at_one), all);
    assert_eq!(seqs(&at_two), all);
    assert_eq!(ids(&at_one), ids(&at_two), "one order");
}
