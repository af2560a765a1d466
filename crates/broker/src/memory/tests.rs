//! What memory promises beyond the ports: bounds, restarts, dead letters, dropped nodes.

use bytes::Bytes;
use domain::ports::{Broker, Delivery, Inbox, Journal};
use domain::words::{Author, Draft, Kind, MessageId, Position, Sealed, Timestamp, UserId};

use super::*;

/// Counts what it is given.
#[derive(Default)]
struct Counter(AtomicU64);

impl Inbox for Counter {
    fn deliver(&self, _: Delivery) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn room(name: &str) -> RoomId {
    RoomId::parse(&format!("room:{name}")).unwrap()
}

fn message(room: &RoomId) -> Draft {
    Draft {
        room: room.clone(),
        id: MessageId::new(),
        kind: Kind::Message,
        target: None,
        author: Author { user: UserId::text("anna").unwrap(), name: None },
        client_id: None,
        sent_at: Timestamp(0),
        origin: None,
        body: Sealed { key: None, bytes: Bytes::new() },
    }
}

fn one_shard() -> MemoryOptions {
    MemoryOptions { shards: 1, ..MemoryOptions::default() }
}

#[tokio::test]
async fn after_a_clean_restart_numbers_go_on_in_their_epoch() {
    let head = Position { epoch: 7, seq: 41 };
    let numbering = Numbering::resumed([(room("known"), head)]);
    let node = Memory::new(MemoryOptions { numbering, ..one_shard() }).node(NodeId::boot("a"));
    let span = node.after(&room("known"), Position::START, 9).await.unwrap();
    assert_eq!((span.head, span.oldest), (head, None));
    assert_eq!(node.publish(message(&room("known"))).await.unwrap().position, head.next());
    assert_eq!(node.publish(message(&room("new"))).await.unwrap().position, Position::START.next());
}

#[tokio::test]
async fn after_an_unclean_restart_every_room_is_in_the_new_epoch() {
    let numbering = Numbering::fenced(1, Timestamp::now());
    let floor = numbering.head(&room("any"));
    let node = Memory::new(MemoryOptions { numbering, ..one_shard() }).node(NodeId::boot("a"));
    node.attach(Arc::new(Counter::default()));
    node.subscribe(&room("any")).await.unwrap();
    assert_eq!(node.newest(&room("any"), None, 9).await.unwrap().head, floor);
    assert_eq!(node.publish(message(&room("any"))).await.unwrap().position, floor.next());
}

#[tokio::test]
async fn the_hot_logs_of_a_shard_are_bounded_together() {
    let memory = Memory::new(MemoryOptions { hot_log: 3, hot_entries: 6, ..one_shard() });
    let node = memory.node(NodeId::boot("a"));
    for name in ["a", "a", "a", "a", "b", "b", "b"] {
        node.publish(message(&room(name))).await.unwrap();
    }
    let oldest = async |name| node.newest(&room(name), None, 0).await.unwrap().oldest.map(|place| place.seq);
    // The first entry of the first room was trimmed for that room's sake, and counts no more.
    assert_eq!((oldest("a").await, oldest("b").await), (Some(2), Some(1)));
    node.publish(message(&room("c"))).await.unwrap();
    assert_eq!((oldest("a").await, oldest("b").await), (Some(3), Some(1)));
    for _ in 0..6 {
        node.publish(message(&room("c"))).await.unwrap();
    }
    assert_eq!((oldest("a").await, oldest("b").await, oldest("c").await), (None, None, Some(5)));
    assert_eq!(node.newest(&room("a"), None, 9).await.unwrap().head.seq, 4, "a head is never forgotten");
    assert!(lock(&memory.shards[0]).is_bounded_by(6));
}

#[tokio::test]
async fn a_dropped_node_is_not_delivered_to_and_leaves_nothing_behind() {
    let memory = Memory::new(one_shard());
    let (gone, stays) = (memory.node(NodeId::boot("a")), memory.node(NodeId::boot("b")));
    let (at_gone, at_stays) = (Arc::new(Counter::default()), Arc::new(Counter::default()));
    gone.attach(at_gone.clone());
    stays.attach(at_stays.clone());
    for node in [&gone, &stays] {
        node.subscribe(&room("a")).await.unwrap();
    }
    gone.subscribe(&room("silent")).await.unwrap();
    drop(gone);
    assert_eq!(Arc::strong_count(&at_gone), 1, "the inbox is let go");
    stays.publish(message(&room("a"))).await.unwrap();
    assert_eq!((at_gone.0.load(Ordering::Relaxed), at_stays.0.load(Ordering::Relaxed)), (0, 1));
    assert_eq!(lock(&memory.shards[0]).rooms(), 1, "a room without events or listeners is forgotten");
}

#[tokio::test]
async fn dead_letters_are_kept_with_their_reason_up_to_a_bound() {
    let memory = Memory::new(one_shard());
    memory.node(NodeId::boot("a")).publish(message(&room("a"))).await.unwrap();
    let worker = memory.journal("w");
    let lease = worker.claim().await.unwrap().remove(0);
    let record = worker.read(&[(lease, None)], 1).await.unwrap().remove(0);
    worker.bury(&record, "first").await.unwrap();
    assert_eq!(memory.dead_letters(), [(record.clone(), "first".to_owned())]);
    for _ in 0..journal::LETTERS {
        worker.bury(&record, "more").await.unwrap();
    }
    let letters = memory.dead_letters();
    assert_eq!((letters.len(), letters[0].1.as_str()), (journal::LETTERS, "more"));
}
