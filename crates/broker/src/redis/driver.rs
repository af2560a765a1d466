//! Keeps a client's connection task running.
//!
//! The client reconnects by itself, but some replies end the task that does so (a redirect without an attempt left),
//! and from then on every command would time out while the client still calls itself connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::ConnectHandle;
use tokio_util::task::AbortOnDropHandle;

/// Pause between two attempts to start it again.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches one client.
pub(super) struct Driver {
    ending: Arc<AtomicBool>,
    _watch: AbortOnDropHandle<()>,
}

impl Driver {
    /// Watches `running`, the connection task of `client`.
    pub(super) fn keep(client: &Client, running: ConnectHandle) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let watch = tokio::spawn(watch(client.clone(), running, ending.clone()));
        Self { ending, _watch: AbortOnDropHandle::new(watch) }
    }

    /// Ends the client's connection for good.
    pub(super) async fn end(&self, client: &Client) {
        self.ending.store(true, Ordering::Relaxed);
        // An error means that it is gone already.
        let _ = client.quit().await;
    }
}

async fn watch(client: Client, mut running: ConnectHandle, ending: Arc<AtomicBool>) {
    loop {
        // How it ended is in the client's own log; that it ended is what matters.
        let _ = running.await;
        if ending.load(Ordering::Relaxed) {
            return;
        }
        tracing::warn!("a connection task to redis has ended, starting it again");
        metrics::counter!("hubbub_redis_restarts_total").increment(1);
        running = loop {
            match client.init().await {
                Ok(running) => break running,
                Err(error) => tracing::warn!(reason = error.details(), "redis could not be connected again"),
            }
            tokio::time::sleep(PAUSE).await;
        };
    }
}
