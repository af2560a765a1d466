//! The loop: read a batch, write it, settle it.
//!
//! Owns the answers to every failure. Invariants: at most two batches are in memory, one being written and, while there
//! is a backlog, the next one, read meanwhile; an entry is buried for its own data's fault alone, never for an outage;
//! nothing is settled that is not committed or buried.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use domain::ports::{Appended, Journal, PortError, Record, ShardLease, Store};
use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::backoff::Backoff;
use crate::batch::{Batch, Chunk, Look};
use crate::holdings::Holdings;
use crate::leases::Leases;
use crate::measures;
use crate::options::PersisterOptions;

/// A batch below this is small: waiting one linger lets the next one fill.
const SMALL: usize = 200;

const CONFLICT: &str = "another id stands at its position";

/// Why a batch was left: shutdown, or its leases are gone. What it held is in the journal still.
struct Abandoned;

/// What became of each entry of a chunk.
type Answer = Result<Vec<Appended>, PortError>;

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
        let mut ahead = None;
        while !self.shutdown.is_cancelled() {
            self.follow();
            match self.next(ahead.take()).await {
                Ok(batch) if batch.len() == 0 => {
                    self.backoff.reset();
                    self.settle(Duration::ZERO).await;
                    self.pause(idle).await;
                    idle = (idle * 2).min(self.options.idle);
                }
                Ok(batch) => {
                    idle = self.options.linger;
                    ahead = self.round(batch).await;
                }
                Err(error) => {
                    let _ = self.failed("journal", &error).await;
                }
            }
        }
        self.settle(Duration::ZERO).await;
    }

    /// What was read ahead, as far as it still counts, or else a new look.
    async fn next(&mut self, ahead: Option<Look>) -> Result<Batch, PortError> {
        let ahead = ahead.map(|look| look.into_batch(&self.holdings)).filter(|batch| batch.len() > 0);
        if let Some(batch) = ahead {
            return Ok(batch);
        }
        let cursors = self.holdings.cursors();
        Ok(Look::take(&*self.journal, cursors, self.size()).await?.into_batch(&self.holdings))
    }

    /// Writes the batch. Behind a full one more is waiting: it is read while the database works.
    async fn round(&mut self, batch: Batch) -> Option<Look> {
        let (size, read) = (self.size(), batch.len());
        let behind = if read < size { Vec::new() } else { self.holdings.cursors_behind(&batch.ends) };
        let journal = Arc::clone(&self.journal);
        let (written, ahead) = tokio::join!(self.write(batch), Look::take(&*journal, behind, size));
        if written.is_err() {
            return None;
        }
        self.backoff.reset();
        self.settle(self.options.settle).await;
        if read < SMALL.min(size) {
            self.pause(self.options.linger).await;
        }
        // What failed here fails again, and is answered, where it is waited for.
        ahead.ok()
    }

    fn size(&self) -> usize {
        self.options.batch.max(1)
    }

    /// Writes or buries every record of the batch, however long that takes.
    async fn write(&mut self, batch: Batch) -> Result<(), Abandoned> {
        for record in &batch.broken {
            let reason = record.entry.as_ref().err().map_or("", |(_, reason)| reason);
            self.bury(record, reason, Some("undecodable")).await?;
        }
        let mut waiting = Vec::new();
        // While one part waits for the disk, the other one is at work.
        let (first, second) = batch.chunk.apart();
        let (told, tried) = tokio::join!(self.append(&first), self.append(&second));
        self.answered(first, told, &mut waiting).await?;
        self.answered(second, tried, &mut waiting).await?;
        // Each split leaves one half waiting: never more than the batch, and as deep as its logarithm.
        while let Some(chunk) = waiting.pop() {
            let answer = self.append(&chunk).await;
            self.answered(chunk, answer, &mut waiting).await?;
        }
        for (lease, offset) in &batch.ends {
            self.holdings.commit(lease, *offset);
        }
        Ok(())
    }

    async fn append(&self, chunk: &Chunk) -> Answer {
        if chunk.entries().is_empty() {
            return Ok(Vec::new());
        }
        let begun = Instant::now();
        let outcomes = self.store.append(&chunk.leases(), chunk.entries()).await?;
        measures::committed(&outcomes, begun.elapsed(), chunk.newest());
        Ok(outcomes)
    }

    async fn answered(
        &mut self,
        chunk: Chunk,
        answer: Answer,
        waiting: &mut Vec<Chunk>,
    ) -> Result<(), Abandoned> {
        match answer {
            Ok(_) if chunk.entries().is_empty() => Ok(()),
            Ok(outcomes) => self.committed(&chunk, &outcomes).await,
            Err(PortError::Refused(reason)) => self.refused(chunk, &reason, waiting).await,
            Err(error) => self.postponed(chunk, &error, waiting).await,
        }
    }

    async fn committed(&mut self, chunk: &Chunk, outcomes: &[Appended]) -> Result<(), Abandoned> {
        self.backoff.reset();
        if !outcomes.contains(&Appended::Conflict) {
            return Ok(());
        }
        for (record, outcome) in chunk.records().zip(outcomes) {
            if *outcome == Appended::Conflict {
                self.bury(&record, CONFLICT, None).await?;
            }
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
        let due = self.holdings.unsettled(pause);
        let calls = due.iter().map(|(lease, offset)| self.journal.settle(lease, *offset));
        let answers = join_all(calls).await;
        let mut fenced = false;
        for ((lease, offset), answer) in due.iter().zip(answers) {
            self.holdings.settled(lease.shard, *offset, &answer);
            match answer {
                Ok(()) => {}
                Err(PortError::Fenced) => fenced = true,
                Err(error) => {
                    measures::failed("journal");
                    warn!(%error, shard = lease.shard, "not settled; tried again later");
                }
            }
        }
        if fenced {
            self.forget();
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
