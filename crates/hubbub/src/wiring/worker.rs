//! A persister with its admin listener.

use std::sync::Arc;

use domain::ports::{Journal, Store};
use metrics_exporter_prometheus::PrometheusHandle;
use persister::{Persister, PersisterOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::edge::fold;

/// Works until `drain` is cancelled, finishes its batch, gives its leases back.
pub(crate) async fn work(
    journal: Arc<dyn Journal>,
    store: Arc<dyn Store>,
    options: PersisterOptions,
    admin: TcpListener,
    metrics: PrometheusHandle,
    drain: CancellationToken,
) {
    let router = gateway::worker_router(store.clone(), journal.clone(), metrics.clone());
    let closed = CancellationToken::new();
    let listener = gateway::run(admin, router, gateway::AcceptOptions::default(), closed.clone());
    let listener = AbortOnDropHandle::new(tokio::spawn(listener));
    let _folding = AbortOnDropHandle::new(tokio::spawn(fold(metrics)));
    Persister::new(journal, store, options).run(drain).await;
    closed.cancel();
    if let Err(error) = listener.await {
        tracing::warn!(%error, "the admin listener ended badly");
    }
}
