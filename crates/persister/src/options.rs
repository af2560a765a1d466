//! The sizes and times of a worker.

use std::time::Duration;

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct PersisterOptions {
    /// Entries of one batch at most, which is one transaction or two; at least 1. A worker holds two batches in memory.
    pub batch: usize,
    /// Wait after a small batch, so that the next one fills.
    pub linger: Duration,
    /// Longest wait between two looks into an empty journal.
    pub idle: Duration,
    /// Time between two renewals of the leases: a third of a lease's life.
    pub renew: Duration,
    /// Shortest time between two settlements of one shard while there is work.
    pub settle: Duration,
    /// First wait after a failure; each further one is about twice as long.
    pub retry_first: Duration,
    /// Longest wait after a failure.
    pub retry_longest: Duration,
}

impl Default for PersisterOptions {
    fn default() -> Self {
        Self {
            batch: 2000,
            linger: Duration::from_millis(15),
            idle: Duration::from_millis(60),
            renew: Duration::from_secs(3),
            settle: Duration::from_millis(100),
            retry_first: Duration::from_millis(100),
            retry_longest: Duration::from_secs(5),
        }
    }
}
