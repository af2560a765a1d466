//! The leases of this worker, renewed beside its work.
//!
//! Invariant: what is told here is the journal's last answer. A worker that believes an old answer is stopped by the
//! fences, in the database and in the journal; so a failed renewal changes nothing by itself.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{Journal, ShardLease};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::measures;

/// Wait before a failed renewal is tried again, where that is sooner than the next one.
const RETRY: Duration = Duration::from_millis(500);

/// What the worker holds, as far as it knows.
pub(crate) struct Leases {
    held: watch::Sender<Arc<[ShardLease]>>,
    wanted: Notify,
}

impl Leases {
    /// Nothing held yet.
    pub(crate) fn new() -> Self {
        Self { held: watch::Sender::new(Arc::from([])), wanted: Notify::new() }
    }

    /// Follows the leases; only the newest state is kept.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<[ShardLease]>> {
        self.held.subscribe()
    }

    /// Believes nothing any more and asks for a new claim at once.
    pub(crate) fn claim_anew(&self) {
        self.tell(Arc::from([]));
        self.wanted.notify_one();
    }

    /// Claims at every interval, and whenever asked. Never ends.
    pub(crate) async fn renew_forever(&self, journal: &dyn Journal, interval: Duration) {
        loop {
            let wait = match journal.claim().await {
                Ok(held) => {
                    self.tell(held.into());
                    interval
                }
                Err(error) => {
                    warn!(%error, "leases were not renewed");
                    interval.min(RETRY)
                }
            };
            // A gauge that is not refreshed says less than a gap; the claim's warning has told why.
            if let Ok(backlog) = journal.backlog().await {
                measures::backlog(backlog);
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = self.wanted.notified() => {}
            }
        }
    }

    fn tell(&self, held: Arc<[ShardLease]>) {
        measures::leases(held.len());
        let (before, now) = (self.held.borrow().len(), held.len());
        if before != now {
            info!(before, now, "shards held");
        }
        self.held.send_if_modified(|old| {
            let changed = **old != *held;
            *old = held;
            changed
        });
    }
}
