//! The worker between acceptance and the database: journal to store, each entry once.
//!
//! Owns the order of things: read, write, and only then forget. Knows ports alone: it has no key, no Redis and no SQL.
//! Invariant: an entry leaves the journal only after it is committed, or copied to the dead letters with its reason.
//! Whatever happens in between (a crash, an outage, a second worker), the entry is read again and written once.

mod backoff;
mod batch;
mod holdings;
mod leases;
mod measures;
mod options;
mod worker;

use std::sync::Arc;

use domain::ports::{Journal, Store};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use options::PersisterOptions;

use crate::leases::Leases;
use crate::worker::Worker;

/// One worker. Any number may run: the journal's leases share the shards out among them.
pub struct Persister {
    journal: Arc<dyn Journal>,
    store: Arc<dyn Store>,
    options: PersisterOptions,
}

impl Persister {
    /// A worker that has not begun.
    pub fn new(journal: Arc<dyn Journal>, store: Arc<dyn Store>, options: PersisterOptions) -> Self {
        Self { journal, store, options }
    }

    /// Works until `shutdown`; then finishes its batch, settles it and gives its leases back. Never fails: outages are
    /// waited out. Dropping the future is like a crash: nothing is lost.
    pub async fn run(self, shutdown: CancellationToken) {
        measures::describe();
        let leases = Leases::new();
        let journal = Arc::clone(&self.journal);
        let renewal = leases.renew_forever(&*journal, self.options.renew);
        let worker = Worker::new(self.journal, self.store, self.options, &leases, shutdown);
        info!("the persister begins");
        // Side by side in one task: leases are renewed while the database is slow or away.
        tokio::select! {
            () = worker.run() => {}
            () = renewal => {}
        }
        if let Err(error) = journal.release().await {
            warn!(%error, "leases were not given back; they lapse by themselves");
        }
        info!("the persister has ended");
    }
}
