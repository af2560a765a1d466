//! One shard's journal: entries that are not yet known to be committed, in the order of their acceptance.

use std::collections::VecDeque;
use std::time::Duration;

use domain::ports::Backlog;
use domain::words::Entry;
use tokio::time::Instant;

/// A place in the journal; the first half is for implementations whose clock counts.
pub(super) type Offset = (u64, u64);

struct Waiting {
    offset: Offset,
    accepted: Instant,
    entry: Entry,
}

/// One shard's queue. Whoever pushes checks the length first; nothing is dropped but by `settle`.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    pushed: u64,
}

impl Queue {
    pub(super) fn len(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub(super) fn push(&mut self, entry: Entry, now: Instant) {
        self.pushed += 1;
        self.waiting.push_back(Waiting { offset: (0, self.pushed), accepted: now, entry });
    }

    /// Up to `limit` entries behind `from`, oldest first.
    pub(super) fn read(
        &self,
        from: Option<Offset>,
        limit: usize,
    ) -> impl Iterator<Item = (Offset, Entry)> + '_ {
        let first = from.map_or(0, |from| self.end_of(from));
        self.waiting.range(first..).take(limit).map(|waiting| (waiting.offset, waiting.entry.clone()))
    }

    /// Forgets everything up to and including `through`.
    pub(super) fn settle(&mut self, through: Offset) {
        let gone = self.end_of(through);
        self.waiting.drain(..gone);
    }

    pub(super) fn backlog(&self, now: Instant) -> Backlog {
        let oldest = self.waiting.front().map_or(Duration::ZERO, |first| now.duration_since(first.accepted));
        Backlog { length: self.len(), oldest }
    }

    fn end_of(&self, through: Offset) -> usize {
        self.waiting.partition_point(|waiting| waiting.offset <= through)
    }
}
