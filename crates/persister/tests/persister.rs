//! The worker against everything that goes wrong: poison, outages, lost leases, a second worker, shutdown.

#![allow(clippy::unwrap_used, reason = "a test ends where its helpers fail")]

mod neighbours;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use domain::ports::{PortError, ShardLease, Store};
use neighbours::{MemoryJournal, Wire, WiredStore, message};
use persister::{Persister, PersisterOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Quick, so that tests are.
fn options() -> PersisterOptions {
    let millis = Duration::from_millis;
    PersisterOptions {
        batch: 50,
        linger: millis(2),
        idle: millis(5),
        renew: millis(10),
        settle: millis(5),
        retry_first: millis(1),
        retry_longest: millis(20),
    }
}

struct Running {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Running {
    fn start(journal: &MemoryJournal, store: &Arc<WiredStore>, worker: u32) -> Self {
        Self::start_with(journal, store, worker, options())
    }

    fn start_with(
        journal: &MemoryJournal,
        store: &Arc<WiredStore>,
        worker: u32,
        options: PersisterOptions,
    ) -> Self {
        let shutdown = CancellationToken::new();
        let persister = Persister::new(journal.access(worker), Arc::clone(store) as Arc<dyn Store>, options);
        Self { task: tokio::spawn(persister.run(shutdown.clone())), shutdown }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.task).await.expect("it ends in time").unwrap();
    }
}

async fn scene(shards: usize) -> (MemoryJournal, Arc<WiredStore>) {
    (MemoryJournal::new(shards), WiredStore::new().await)
}

fn range(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

#[tokio::test]
async fn everything_reaches_the_store_in_order_and_leaves_the_journal() {
    let (journal, store) = scene(3).await;
    for seq in 1..=400 {
        journal.add(0, message("room:busy", seq));
    }
    for seq in 1..=5 {
        journal.add(2, message("room:quiet", seq));
    }
    let running = Running::start(&journal, &store, 1);
    journal.drained().await;
    assert_eq!(store.seqs("room:busy").await, range(400));
    assert_eq!(store.seqs("room:quiet").await, range(5));
    journal.add(1, message("room:later", 1));
    journal.drained().await;
    assert_eq!(store.seqs("room:later").await, range(1));
    running.stop().await;
    journal.change(|state| {
        assert!(state.dead.is_empty());
        assert!(state.shards.iter().all(|shard| shard.holder.is_none()), "leases were given back");
    });
}

#[tokio::test]
async fn one_batch_is_the_most_that_a_worker_reads_and_writes_at_once() {
    let (journal, store) = scene(4).await;
    for seq in 1..=300 {
        (0..4).for_each(|shard| journal.add(shard, message(&format!("room:{shard}"), seq)));
    }
    let running = Running::start(&journal, &store, 1);
    journal.drained().await;
    running.stop().await;
    assert_eq!(store.largest.load(Ordering::Relaxed), options().batch);
    assert!(journal.change(|state| state.largest_read) <= options().batch);
    // One busy shard gets the whole batch, not a share of it.
    (301..=400).for_each(|seq| journal.add(0, message("room:0", seq)));
    let before = *store.attempts.borrow();
    let running = Running::start(&journal, &store, 1);
    journal.drained().await;
    running.stop().await;
    assert!(*store.attempts.borrow() - before <= 3, "{} batches", *store.attempts.borrow() - before);
}

#[tokio::test]
async fn poison_is_buried_alone_with_its_reason() {
    let (journal, store) = scene(1).await;
    for seq in 1..=40 {
        journal.add(0, message("room:7", seq));
        if seq == 3 || seq == 29 {
            journal.add(0, message("room:poison", 0));
        }
    }
    journal.add_record(0, Err((Bytes::from_static(b"\xff"), "no MessagePack".into())));
    let running = Running::start(&journal, &store, 1);
    journal.drained().await;
    running.stop().await;
    assert_eq!(store.seqs("room:7").await, range(40));
    journal.change(|state| {
        let poison = state.dead.iter().filter(|(record, reason)| {
            matches!(&record.entry, Ok(entry) if entry.draft.room.key() == "room:poison")
                && reason.contains("CHECK")
        });
        let broken =
            state.dead.iter().filter(|(record, reason)| record.entry.is_err() && reason == "no MessagePack");
        assert_eq!((poison.count(), broken.count(), state.dead.len()), (2, 1, 3));
    });
}

#[tokio::test]
async fn a_backlog_is_written_side_by_side_once_and_in_order_whatever_happens_to_a_part() {
    for trouble in [Wire::Sound, Wire::Cut(PortError::Deadline), Wire::Mute] {
        let (journal, store) = scene(4).await;
        for seq in 1..=700 {
            (0..4).for_each(|shard| journal.add(shard, message(&format!("room:{shard}"), seq)));
            if seq == 333 {
                journal.add(2, message("room:poison", 0));
            }
        }
        let troubled = !matches!(trouble, Wire::Sound);
        store.wire.send_replace(trouble);
        let large = PersisterOptions { batch: 1000, ..options() };
        let running = Running::start_with(&journal, &store, 1, large);
        if troubled {
            store.attempted(4).await;
            store.wire.send_replace(Wire::Sound);
        }
        journal.drained().await;
        running.stop().await;
        for shard in 0..4 {
            assert_eq!(store.seqs(&format!("room:{shard}")).await, range(700));
        }
        assert!(store.largest.load(Ordering::Relaxed) < 1000, "it was written in parts");
        journal.change(|state| assert_eq!(state.dead.len(), 1, "the poison alone is buried"));
    }
}

#[tokio::test]
async fn a_conflict_is_buried_and_the_first_entry_stays() {
    let (journal, store) = scene(1).await;
    let rival = message("room:7", 2);
    for entry in [message("room:7", 1), message("room:7", 2), rival.clone(), message("room:7", 3)] {
        journal.add(0, entry);
    }
    let running = Running::start(&journal, &store, 1);
    journal.drained().await;
    running.stop().await;
    assert_eq!(store.seqs("room:7").await, range(3));
    journal.change(|state| {
        assert_eq!(state.dead.len(), 1);
        assert_eq!(state.dead[0].0.entry.as_ref().unwrap().draft.id, rival.draft.id);
    });
}

#[tokio::test]
async fn an_outage_of_the_store_is_waited_out_and_buries_nothing() {
    for outage in
        [Wire::Cut(PortError::Unavailable("away".into())), Wire::Cut(PortError::Deadline), Wire::Mute]
    {
        let (journal, store) = scene(2).await;
        store.wire.send_replace(outage);
        for seq in 1..=120 {
            journal.add(0, message("room:0", seq));
            journal.add(1, message("room:1", seq));
        }
        let running = Running::start(&journal, &store, 1);
        store.attempted(6).await;
        journal
            .change(|state| assert_eq!(state.shards[0].records.len(), 120, "nothing is settled unwritten"));
        store.wire.send_replace(Wire::Sound);
        journal.drained().await;
        running.stop().await;
        assert_eq!((store.seqs("room:0").await, store.seqs("room:1").await), (range(120), range(120)));
        journal.change(|state| assert!(state.dead.is_empty()));
    }
}

#[tokio::test]
async fn an_outage_of_the_journal_is_waited_out() {
    let (journal, store) = scene(1).await;
    journal.add(0, message("room:7", 1));
    let running = Running::start(&journal, &store, 1);
    journal.drained().await;
    journal.change(|state| state.away = true);
    journal.add(0, message("room:7", 2));
    // Renewals, settlements and reads all fail, again and again.
    journal.until(|state| state.failures >= 10).await;
    assert_eq!(store.seqs("room:7").await, range(1));
    journal.change(|state| state.away = false);
    journal.drained().await;
    running.stop().await;
    assert_eq!(store.seqs("room:7").await, range(2));
}

#[tokio::test]
async fn leases_are_renewed_while_the_store_hangs() {
    let (journal, store) = scene(1).await;
    store.wire.send_replace(Wire::Hung);
    journal.add(0, message("room:7", 1));
    let running = Running::start(&journal, &store, 1);
    store.attempted(1).await;
    let claims = journal.change(|state| state.claims);
    journal.until(|state| state.claims >= claims + 5).await;
    running.task.abort();
    assert!(running.task.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_shard_lost_during_an_outage_is_left_to_its_new_holder() {
    let (journal, store) = scene(2).await;
    store.wire.send_replace(Wire::Cut(PortError::Unavailable("away".into())));
    journal.add(0, message("room:lost", 1));
    journal.add(1, message("room:kept", 1));
    let running = Running::start(&journal, &store, 1);
    store.attempted(2).await;
    journal.transfer(0, Some(2));
    let claims = journal.change(|state| state.claims);
    journal.until(|state| state.claims >= claims + 2).await;
    // From the next attempt on, the batch is without it.
    store.attempted(2).await;
    store.wire.send_replace(Wire::Sound);
    journal.until(|state| state.shards[1].records.is_empty()).await;
    running.stop().await;
    assert_eq!(store.seqs("room:kept").await, range(1));
    assert!(store.seqs("room:lost").await.is_empty());
    journal.change(|state| assert_eq!(state.shards[0].records.len(), 1));
}

#[tokio::test]
async fn a_fenced_worker_claims_anew_and_goes_on() {
    let (journal, store) = scene(1).await;
    // Somebody wrote under fence 3; this worker's first lease has fence 1.
    store.append(&[ShardLease { shard: 0, fence: 3 }], &[]).await.unwrap();
    journal.add(0, message("room:7", 1));
    let running = Running::start(&journal, &store, 1);
    store.attempted(3).await;
    assert!(store.seqs("room:7").await.is_empty());
    // The lease lapses, and the next one has fence 3.
    journal.transfer(0, None);
    journal.drained().await;
    running.stop().await;
    assert_eq!(store.seqs("room:7").await, range(1));
}

#[tokio::test]
async fn another_worker_takes_over_from_a_killed_one_and_nothing_is_written_twice() {
    let (journal, store) = scene(1).await;
    (1..=100).for_each(|seq| journal.add(0, message("room:7", seq)));
    // It writes and never hears of it: killed between commit and settlement.
    store.wire.send_replace(Wire::Mute);
    let killed = Running::start(&journal, &store, 1);
    store.attempted(2).await;
    killed.task.abort();
    assert!(killed.task.await.unwrap_err().is_cancelled());
    assert!(!store.seqs("room:7").await.is_empty());
    journal.change(|state| assert_eq!(state.shards[0].records.len(), 100));

    store.wire.send_replace(Wire::Sound);
    journal.transfer(0, None);
    let heir = Running::start(&journal, &store, 2);
    journal.drained().await;
    heir.stop().await;
    assert_eq!(store.seqs("room:7").await, range(100));
    journal.change(|state| assert!(state.dead.is_empty()));
}

#[tokio::test]
async fn shutdown_does_not_wait_for_an_outage_and_loses_nothing() {
    let (journal, store) = scene(1).await;
    store.wire.send_replace(Wire::Cut(PortError::Unavailable("away".into())));
    journal.add(0, message("room:7", 1));
    let running = Running::start(&journal, &store, 1);
    store.attempted(2).await;
    running.stop().await;
    journal.change(|state| {
        assert_eq!((state.shards[0].records.len(), state.shards[0].holder), (1, None));
    });
}
