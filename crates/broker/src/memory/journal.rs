//! One worker's port: `Journal`, as calls into the shared state.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{Backlog, Journal, PortError, Record, ShardLease};
use tokio::time::Instant;

use super::queue::Offset;
use super::{Memory, lock};

/// Dead letters that are kept; beyond it the oldest goes, which an error in the log tells.
pub(super) const LETTERS: usize = 1024;

/// One worker. Dropping it gives nothing back: its leases lapse, as a dead worker's do.
pub struct MemoryJournal {
    memory: Arc<Memory>,
    name: String,
    handle: u64,
}

impl MemoryJournal {
    pub(super) fn new(memory: Arc<Memory>, worker: &str, handle: u64) -> Self {
        Self { memory, name: worker.to_owned(), handle }
    }

    fn records(&self, shard: u16, behind: Option<Offset>, limit: usize) -> Vec<Record> {
        let Some(queue) = self.memory.shard(shard) else { return Vec::new() };
        let record = |(offset, entry)| Record { shard, offset, entry: Ok(entry) };
        queue.queue.read(behind, limit).map(record).collect()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn claim(&self) -> Result<Vec<ShardLease>, PortError> {
        let held = lock(&self.memory.claims).claim(self.handle, Instant::now());
        tracing::trace!(worker.name = self.name, shards = held.len(), "shards were claimed");
        Ok(held)
    }

    async fn read(
        &self,
        from: &[(ShardLease, Option<(u64, u64)>)],
        limit: usize,
    ) -> Result<Vec<Record>, PortError> {
        // Every shard gets its share first: a busy one must not starve the others.
        let share = (limit / from.len().max(1)).max(1);
        let first = from.iter().map(|(lease, behind)| self.records(lease.shard, *behind, share));
        let mut rounds: Vec<Vec<Record>> = first.collect();
        let mut rest = limit.saturating_sub(rounds.iter().map(Vec::len).sum());
        for records in rounds.iter_mut().filter(|records| records.len() == share) {
            let Some(last) = records.last() else { break };
            let more = self.records(last.shard, Some(last.offset), rest);
            rest -= more.len();
            records.extend(more);
        }
        Ok(rounds.into_iter().flatten().take(limit).collect())
    }

    async fn settle(&self, lease: &ShardLease, through: (u64, u64)) -> Result<(), PortError> {
        // Held until the shard has forgotten: a successor must not read what is being settled.
        let claims = lock(&self.memory.claims);
        if !claims.holds(self.handle, lease, Instant::now()) {
            return Err(PortError::Fenced);
        }
        if let Some(mut shard) = self.memory.shard(lease.shard) {
            shard.queue.settle(through);
        }
        Ok(())
    }

    async fn bury(&self, record: &Record, reason: &str) -> Result<(), PortError> {
        let mut letters = lock(&self.memory.letters);
        if letters.len() == LETTERS {
            letters.pop_front();
            tracing::error!(letters = LETTERS, "the oldest dead letter makes room for a new one");
        }
        letters.push_back((record.clone(), reason.to_owned()));
        Ok(())
    }

    async fn release(&self) -> Result<(), PortError> {
        lock(&self.memory.claims).release(self.handle);
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        let now = Instant::now();
        let add = |sum: Backlog, one: Backlog| Backlog {
            length: sum.length + one.length,
            oldest: sum.oldest.max(one.oldest),
        };
        let backlogs = self.memory.shards.iter().map(|shard| lock(shard).queue.backlog(now));
        Ok(backlogs.fold(Backlog::default(), add))
    }
}
