//! The loop: read a batch, write it, settle it.
//!
//! Owns the answers to every failure. Invariants: at most one batch is in memory; an entry is buried for its own data's
//! fault alone, never for an outage; nothing is settled that is not committed or buried.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use domain::ports::{Appended, Journal, PortError, Record, ShardLease, Store};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::backoff::Backoff;
use crate::batch::{Batch, Chunk};
use crate::holdings::Holdings;
use crate::leases::Leases;
use crate::measures;
use crate::options::PersisterOptions;

/// A batch below this is small: waiting one linger lets the next one fill.
const SMALL: usize = 200;

const CONFLICT: &str = "another id stands at its position";

/// Why a batch was left: shutdown, or its leases are gone. What it held is in the journal still.
struct Abandoned;

pub(crate) struct Worker<'a> {
    journal: Arc<dyn Journal>,
    store: Arc<dyn Store>,
    options: PersisterOptions,
    leases: &'a Leases,
    held: watch::Receiver<Arc<[ShardLease]>>,
    holdings: Holdings,
    backoff: Backoff,
    shutdown: CancellationToken,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        store: Arc<dyn Store>,
        options: PersisterOptions,
        leases: &'a Leases,
        shutdown: CancellationToken,
    ) -> Self {
        let backoff = Backoff::new(options.retry_first, options.retry_longest);
        let holdings = Holdings::default();
        Self { journal, store, options, leases, held: leases.watch(), holdings, backoff, shutdown }
    }

    /// Works until shutdown.
    pub(crate) async fn run(mut self) {
        let mut idle = self.options.linger;
        while !self.shutdown.is_cancelled() {
            self.follow();
            match Batch::read(&*self.journal, &mut self.holdings, self.options.batch.max(1)).await {
                Ok(batch) if batch.len() == 0 => {
                    self.backoff.reset();
                    self.settle(Duration::ZERO).await;
                    self.pause(idle).await;
                    idle = (idle * 2).min(self.options.idle);
                }
                Ok(batch) => {
                    idle = self.options.linger;
                    self.round(batch).await;
                }
                Err(error) => {
                    let _ = self.failed("journal", &error).await;
                }
            }
        }
        self.settle(Duration::ZERO).await;
    }

    async fn round(&mut self, batch: Batch) {
        let small = batch.len() < SMALL.min(self.options.batch);
        if self.write(batch).await.is_err() {
            return;
        }
        self.backoff.reset();
        self.settle(self.options.settle).await;
        if small {
            self.pause(self.options.linger).await;
        }
    }

    /// Writes or buries every record of the batch, however long that takes.
    async fn write(&mut self, batch: Batch) -> Result<(), Abandoned> {
        for record in &batch.broken {
            let reason = record.entry.as_ref().err().map_or("", |(_, reason)| reason);
            self.bury(record, reason, Some("undecodable")).await?;
        }
        // Each split leaves one half waiting: never more than the batch, and as deep as its logarithm.
        let mut waiting = vec![batch.chunk];
        while let Some(chunk) = waiting.pop() {
            if chunk.entries().is_empty() {
                continue;
            }
            let begun = Instant::now();
            match self.store.append(&chunk.leases(), chunk.entries()).await {
                Ok(outcomes) => self.committed(&chunk, &outcomes, begun.elapsed()).await?,
                Err(PortError::Refused(reason)) => self.refused(chunk, &reason, &mut waiting).await?,
                Err(error) => self.postponed(chunk, &error, &mut waiting).await?,
            }
        }
        for (lease, offset) in &batch.ends {
            self.holdings.commit(lease, *offset);
        }
        Ok(())
    }

    async fn committed(
        &mut self,
        chunk: &Chunk,
        outcomes: &[Appended],
        took: Duration,
    ) -> Result<(), Abandoned> {
        measures::committed(outcomes, took, chunk.newest());
        self.backoff.reset();
        for (record, _) in
            chunk.records().zip(outcomes).filter(|(_, outcome)| **outcome == Appended::Conflict)
        {
            self.bury(&record, CONFLICT, None).await?;
        }
        Ok(())
    }

    /// The data of some entry is at fault: halves are tried until it stands alone.
    async fn refused(
        &mut self,
        chunk: Chunk,
        reason: &str,
        waiting: &mut Vec<Chunk>,
    ) -> Result<(), Abandoned> {
        match chunk.split() {
            Ok((first, second)) => waiting.extend([second, first]),
            Err(single) => {
                for record in single.records() {
                    self.bury(&record, reason, Some("refused")).await?;
                }
            }
        }
        Ok(())
    }

    /// The store is away, or the leases are gone.
    async fn postponed(
        &mut self,
        chunk: Chunk,
        error: &PortError,
        waiting: &mut Vec<Chunk>,
    ) -> Result<(), Abandoned> {
        if self.failed("store", error).await.is_break() {
            return Err(Abandoned);
        }
        // What was too slow as a whole may pass in halves; what is away takes the same again.
        match (error, chunk) {
            (PortError::Deadline, chunk) => match chunk.split() {
                Ok((first, second)) => waiting.extend([second, first]),
                Err(single) => waiting.push(single),
            },
            (_, chunk) => waiting.push(chunk),
        }
        for chunk in waiting {
            chunk.keep_held(&self.holdings);
        }
        Ok(())
    }

    /// Copies one record to the dead letters, unless its shard is another worker's by now.
    async fn bury(
        &mut self,
        record: &Record,
        reason: &str,
        outcome: Option<&'static str>,
    ) -> Result<(), Abandoned> {
        while self.holdings.lease(record.shard).is_some() {
            match self.journal.bury(record, reason).await {
                Ok(()) => {
                    measures::buried(outcome);
                    log_burial(record, reason);
                    return Ok(());
                }
                Err(error) => {
                    if self.failed("journal", &error).await.is_break() {
                        return Err(Abandoned);
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells the journal what is committed. A failure costs nothing but a replay, so nobody waits for it.
    async fn settle(&mut self, pause: Duration) {
        for (lease, offset) in self.holdings.unsettled(pause) {
            let answer = self.journal.settle(&lease, offset).await;
            self.holdings.settled(lease.shard, offset, &answer);
            match answer {
                Ok(()) => {}
                Err(PortError::Fenced) => return self.forget(),
                Err(error) => {
                    measures::failed("journal");
                    warn!(%error, shard = lease.shard, "not settled; tried again later");
                }
            }
        }
    }

    /// Waits before the same is tried again. `Break`: there is no use, the leases or the time are gone.
    async fn failed(&mut self, side: &'static str, error: &PortError) -> ControlFlow<()> {
        measures::failed(side);
        let wait = self.backoff.step();
        warn!(%error, side, wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), "failed; tried again");
        let fenced = *error == PortError::Fenced;
        if fenced {
            self.forget();
        }
        tokio::select! {
            () = self.shutdown.cancelled() => return ControlFlow::Break(()),
            () = sleep(wait) => {}
        }
        self.follow();
        if fenced { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// A newer owner is at work: no lease is believed until the journal has said so again.
    fn forget(&mut self) {
        self.leases.claim_anew();
        self.follow();
    }

    fn follow(&mut self) {
        let held = Arc::clone(&self.held.borrow_and_update());
        self.holdings.follow(&held);
    }

    /// Waits, but not through a shutdown or a change of the leases.
    async fn pause(&mut self, time: Duration) {
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            // An error means that nobody renews any more: the task is ending.
            _ = self.held.changed() => {}
            () = sleep(time) => {}
        }
    }
}

fn log_burial(record: &Record, reason: &str) {
    let (room, position) = match &record.entry {
        Ok(entry) => (Some(entry.draft.room.key()), Some(entry.position)),
        Err(_) => (None, None),
    };
    let position = position.map(|position| position.to_string());
    error!(room.id = room, position, shard = record.shard, reason, "an entry went to the dead letters");
}
