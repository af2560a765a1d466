//! The journal holds what is accepted and not yet settled: all of it, once, in order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::ports::{Backlog, Journal, Record, ShardLease};
use domain::words::RoomId;

use crate::drafts::{at, entries, message, named, room, seqs};
use crate::scene::{Kind, Node, Scene, Terms, claim, overloaded, read_all, until};

const SHARDS: usize = 4;

/// Publishes `each` messages into each of twelve rooms, in turn.
async fn fill(node: &Node, each: usize) -> Vec<RoomId> {
    let rooms: Vec<RoomId> = (0..12).map(|number| room(&format!("kept-{number}"))).collect();
    for _ in 0..each {
        for room in &rooms {
            node.publish(message(room, "x")).await;
        }
    }
    rooms
}

/// A scene of one shard, a node on it, and the worker that holds the shard.
async fn one_shard(kind: Kind, journal_max_length: u64) -> (Node, std::sync::Arc<dyn Journal>, ShardLease) {
    let scene: Scene = kind.scene_with(Terms { shards: 1, journal_max_length, ..Terms::default() }).await;
    let worker = scene.worker("w").await;
    let lease = claim(&*worker, 1).await.remove(0);
    (scene.node("a").await, worker, lease)
}

fn offsets(records: &[Record]) -> Vec<(u16, (u64, u64))> {
    records.iter().map(|record| (record.shard, record.offset)).collect()
}

pub(crate) async fn the_journal_holds_every_entry_once_and_each_room_in_order(kind: Kind) {
    let scene = kind.scene().await;
    let rooms = fill(&scene.node("a").await, 10).await;
    let worker = scene.worker("w").await;
    let leases = claim(&*worker, SHARDS).await;
    let records = read_all(&*worker, &leases).await;
    assert_eq!(records.len(), 120);
    let mut shards: HashMap<RoomId, HashSet<u16>> = HashMap::new();
    for (record, entry) in records.iter().zip(entries(&records)) {
        shards.entry(entry.draft.room).or_default().insert(record.shard);
    }
    assert!(shards.values().all(|shards| shards.len() == 1), "a room stays in its shard");
    for room in rooms {
        let own: Vec<_> = entries(&records).into_iter().filter(|entry| entry.draft.room == room).collect();
        assert_eq!(seqs(&own), (1..=10).collect::<Vec<_>>(), "{room}");
    }
    for lease in &leases {
        let own = records.iter().filter(|record| record.shard == lease.shard);
        assert!(own.map(|record| record.offset).is_sorted_by(|a, b| a < b), "offsets rise");
    }
}

pub(crate) async fn reading_takes_nothing_away_and_goes_on_behind_an_offset(kind: Kind) {
    let scene = kind.scene().await;
    fill(&scene.node("a").await, 10).await;
    let worker = scene.worker("w").await;
    let leases = claim(&*worker, SHARDS).await;
    let first = read_all(&*worker, &leases).await;
    assert_eq!(read_all(&*worker, &leases).await, first);
    let mut places: HashMap<u16, (u64, u64)> = HashMap::new();
    let mut found = Vec::new();
    loop {
        let from = |lease: &ShardLease| (lease.clone(), places.get(&lease.shard).copied());
        let from: Vec<_> = leases.iter().map(from).collect();
        let page = worker.read(&from, 7).await.unwrap();
        assert!(page.len() <= 7, "never more than asked for");
        if page.is_empty() {
            break;
        }
        places.extend(offsets(&page));
        found.extend(page);
    }
    found.sort_by_key(|record| (record.shard, record.offset));
    let mut expected = first;
    expected.sort_by_key(|record| (record.shard, record.offset));
    assert_eq!(found, expected);
}

pub(crate) async fn a_busy_shard_leaves_room_for_the_others(kind: Kind) {
    let scene = kind.scene().await;
    fill(&scene.node("a").await, 40).await;
    let worker = scene.worker("w").await;
    let leases = claim(&*worker, SHARDS).await;
    let shards = |records: &[Record]| records.iter().map(|record| record.shard).collect::<HashSet<u16>>();
    let all = shards(&read_all(&*worker, &leases).await);
    assert!(all.len() > 1, "twelve rooms lie in more than one shard");
    let from: Vec<_> = leases.iter().map(|lease| (lease.clone(), None)).collect();
    assert_eq!(shards(&worker.read(&from, 100).await.unwrap()), all);
    assert_eq!(worker.read(&from, 100).await.unwrap().len(), 100, "the whole limit is used");
}

pub(crate) async fn settled_entries_are_forgotten_and_the_rest_stays(kind: Kind) {
    let (node, worker, lease) = one_shard(kind, 1000).await;
    let room = room("settled");
    for _ in 0..10 {
        node.publish(message(&room, "x")).await;
    }
    let records = read_all(&*worker, std::slice::from_ref(&lease)).await;
    worker.settle(&lease, records[3].offset).await.unwrap();
    let rest = read_all(&*worker, std::slice::from_ref(&lease)).await;
    assert_eq!(rest, records[4..]);
    worker.settle(&lease, records[1].offset).await.expect("settling less again is nothing new");
    assert_eq!(worker.backlog().await.unwrap().length, 6);
    node.publish(message(&room, "x")).await;
    worker.settle(&lease, records[9].offset).await.unwrap();
    let rest = read_all(&*worker, std::slice::from_ref(&lease)).await;
    assert_eq!(seqs(&entries(&rest)), [11], "what was published meanwhile is not settled");
    let logged = node.broker.after(&room, at(0), 100).await.unwrap();
    assert_eq!(logged.entries.len(), 11, "the hot log is not the journal");
}

pub(crate) async fn a_full_journal_refuses_without_using_up_a_number_and_accepts_again(kind: Kind) {
    let (mut node, worker, lease) = one_shard(kind, 5).await;
    let room = room("full");
    node.subscribe(&room).await;
    for _ in 0..5 {
        node.publish(message(&room, "x")).await;
    }
    for _ in 0..3 {
        assert!(overloaded(&node.broker.publish(message(&room, "refused")).await));
    }
    let refused = named(&room, "anna", "c");
    assert!(overloaded(&node.broker.publish(refused.clone()).await));
    let records = read_all(&*worker, std::slice::from_ref(&lease)).await;
    assert_eq!(records.len(), 5, "nothing made room for what was refused");
    worker.settle(&lease, records[1].offset).await.unwrap();
    let accepted = node.publish(refused).await;
    assert_eq!((accepted.position, accepted.repeated), (at(6), false), "a refused draft is not remembered");
    assert_eq!(node.publish(message(&room, "x")).await.position, at(7));
    assert!(overloaded(&node.broker.publish(message(&room, "refused")).await));
    assert_eq!(seqs(&node.ear.take(7).await), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(node.broker.newest(&room, None, 0).await.unwrap().head, at(7));
}

pub(crate) async fn a_repeat_is_recognised_even_when_the_journal_is_full(kind: Kind) {
    let (node, ..) = one_shard(kind, 1).await;
    let draft = named(&room("full"), "anna", "c");
    let first = node.publish(draft.clone()).await;
    assert!(overloaded(&node.broker.publish(named(&draft.room, "anna", "d")).await));
    let again = node.publish(draft).await;
    assert_eq!((again.position, again.repeated), (first.position, true));
}

pub(crate) async fn a_buried_record_stays_until_it_is_settled(kind: Kind) {
    let (node, worker, lease) = one_shard(kind, 1000).await;
    node.publish(message(&room("grave"), "x")).await;
    let record = read_all(&*worker, std::slice::from_ref(&lease)).await.remove(0);
    worker.bury(&record, "refused: class 22").await.unwrap();
    worker.bury(&record, "at least once").await.unwrap();
    let raw = Record { entry: Err((vec![0, 255, 1].into(), "cut short".to_owned())), ..record.clone() };
    worker.bury(&raw, "cut short").await.expect("what is no entry can be buried too");
    assert_eq!(read_all(&*worker, std::slice::from_ref(&lease)).await, std::slice::from_ref(&record));
    worker.settle(&lease, record.offset).await.unwrap();
    assert_eq!(worker.backlog().await.unwrap(), Backlog::default());
}

pub(crate) async fn the_backlog_counts_every_shard_and_ages(kind: Kind) {
    let scene = kind.scene().await;
    let worker = scene.worker("w").await;
    assert_eq!(worker.backlog().await.unwrap(), Backlog::default());
    fill(&scene.node("a").await, 2).await;
    assert_eq!(worker.backlog().await.unwrap().length, 24);
    until("the oldest entry ages", async || {
        let backlog = worker.backlog().await.unwrap();
        (backlog.oldest >= Duration::from_millis(20)).then_some(())
    })
    .await;
    for lease in claim(&*worker, SHARDS).await {
        if let Some(last) = read_all(&*worker, std::slice::from_ref(&lease)).await.last() {
            worker.settle(&lease, last.offset).await.unwrap();
        }
    }
    assert_eq!(worker.backlog().await.unwrap(), Backlog::default());
}
