//! Whether this process lives, and whether it should be sent clients.
//!
//! `/healthz` is the process alone: restarting it would not bring a broker back. `/readyz` is its
//! broker, its store, and not draining. Invariant: however often it is asked, the store is asked once a second.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::node::Node;
use domain::ports::{Journal, Store};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::api::Health;
use crate::gateway::Gateway;

/// A broker whose last in-band echo is older than this is not trusted to deliver.
const STALE_PROBE: Duration = Duration::from_secs(5);
/// How long the store's last answer counts.
const STORE_MEMORY: Duration = Duration::from_secs(1);

/// The checks behind `/readyz`.
pub(crate) struct Readiness {
    node: Arc<Node>,
    /// When the store was last asked, and whether it answered. Held while asking, so that one asks and
    /// the others wait for its answer; the port has a deadline of its own.
    store: Mutex<Option<(Instant, bool)>>,
}

/// What `/readyz` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct Report {
    /// Whether this node should be sent clients.
    ready: bool,
    /// Whether it is going down.
    draining: bool,
    /// Whether the broker answers.
    broker: bool,
    /// Whether the database answers.
    store: bool,
}

impl Readiness {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node, store: Mutex::new(None) }
    }

    async fn report(&self, counts_store: bool) -> Report {
        let draining = self.node.is_draining();
        let broker = self.node.probe_age().is_some_and(|age| age < STALE_PROBE);
        let store = self.store_answers().await;
        Report { ready: !draining && broker && (store || !counts_store), draining, broker, store }
    }

    async fn store_answers(&self) -> bool {
        let mut last = self.store.lock().await;
        if let Some((asked, answer)) = *last
            && asked.elapsed() < STORE_MEMORY
        {
            return answer;
        }
        let outcome = self.node.store().ready().await;
        if let Err(error) = &outcome {
            tracing::warn!(%error, "the store is not ready");
        }
        *last = Some((Instant::now(), outcome.is_ok()));
        outcome.is_ok()
    }
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "isAlive", tag = "health", security(()),
    responses((status = 200, description = "It does", body = Health)))]
pub(crate) async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Checks that the asker does not want to count.
#[derive(Debug, Deserialize)]
pub(crate) struct Without {
    exclude: Option<String>,
}

impl Without {
    fn counts_store(&self) -> bool {
        self.exclude.as_deref() != Some("store")
    }
}

/// Whether this node should be sent clients.
///
/// A balancer asks with `?exclude=store`: while the database is away, chat goes on and clients may come.
#[utoipa::path(get, path = "/readyz", operation_id = "isReady", tag = "health", security(()),
    params(("exclude" = Option<String>, Query, description = "`store`: the database does not count")),
    responses(
        (status = 200, description = "It should", body = Report),
        (status = 503, description = "It should not", body = Report),
    ))]
pub(crate) async fn ready(State(gateway): State<Arc<Gateway>>, Query(without): Query<Without>) -> Response {
    let report = gateway.readiness.report(without.counts_store()).await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

/// The checks behind a persister's `/readyz`: both ends of its work answer.
pub(crate) struct WorkerReadiness {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Arc<dyn Journal>,
}

/// What a persister's `/readyz` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct WorkerReport {
    ready: bool,
    journal: bool,
    store: bool,
}

/// `/readyz` of a persister.
pub(crate) async fn worker_ready(State(worker): State<Arc<WorkerReadiness>>) -> Response {
    let (backlog, store) = tokio::join!(worker.journal.backlog(), worker.store.ready());
    let (journal, store) = (backlog.is_ok(), store.is_ok());
    let report = WorkerReport { ready: journal && store, journal, store };
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

/// `/metrics`, in the Prometheus text format.
pub(crate) async fn metrics(handle: PrometheusHandle) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let mut response = handle.render().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
