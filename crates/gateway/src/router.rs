//! The table of routes, and what is true of every answer.
//!
//! Owns paths, security headers and the count of requests. Invariant: no path or query that a client
//! chose becomes a metric's label or a word in a log.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, MatchedPath, Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get};
use axum::{RequestExt, Router};
use domain::ports::{Journal, Store};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::gateway::Gateway;
use crate::health::WorkerReadiness;
use crate::problem::Problem;
use crate::{api, doors, handshake, health, page, peers, socketio_door, telemetry};

/// Largest request body, in bytes; routes that take more say so themselves.
const LARGEST_BODY: usize = 64 * 1024;

/// The public routes.
pub fn router(gateway: Arc<Gateway>) -> Router {
    telemetry::describe();
    Router::new()
        .route("/", get(root))
        .route("/ws", get(hub))
        .route("/ws/events/{event}", get(events))
        .route("/app.js", get(page::script))
        .route("/app.css", get(page::style))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .merge(socketio(&gateway))
        .nest("/api", api::router(&gateway))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(every_answer))
        .with_state(gateway)
}

/// The internal routes of a node, for a listener of their own. `metrics` renders what the recorder has gathered.
pub fn admin_router(gateway: Arc<Gateway>, metrics: PrometheusHandle) -> Router {
    let peers = Router::new().route(peers::ROUTE, any(socketio_door::answer_peer));
    internal(get(health::ready), metrics).merge(peers).with_state(gateway)
}

/// The endpoint of Socket.IO, with and without the last slash.
fn socketio(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    let endpoint = any(socketio_door::answer);
    Router::new()
        .route("/socket.io/", endpoint.clone())
        .route("/socket.io", endpoint)
        .layer(from_fn_with_state(Arc::clone(gateway), api::cors))
}

/// The internal routes of a persister: it has no clients, but somebody must see that it lives and keeps up.
pub fn worker_router(store: Arc<dyn Store>, journal: Arc<dyn Journal>, metrics: PrometheusHandle) -> Router {
    internal(get(health::worker_ready), metrics).with_state(Arc::new(WorkerReadiness { store, journal }))
}

fn internal<S: Clone + Send + Sync + 'static>(
    ready: MethodRouter<S>,
    metrics: PrometheusHandle,
) -> Router<S> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", ready)
        .route("/metrics", get(move || health::metrics(metrics.clone())))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(every_answer))
}

/// `/` is a door for sockets and a page for people.
async fn root(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    if handshake::is_wanted(request.headers()) {
        let door = Arc::clone(&gateway.rooms);
        return doors::enter(&gateway, door, None, request).await;
    }
    page::index()
}

async fn hub(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    doors::enter(&gateway, Arc::clone(&gateway.hub), None, request).await
}

async fn events(State(gateway): State<Arc<Gateway>>, mut request: Request) -> Response {
    // What is no text names no event; the door's clients are told so.
    let event = request.extract_parts::<Path<String>>().await.ok();
    let room = event.and_then(|Path(event)| (gateway.events.watched)(&event));
    doors::enter(&gateway, Arc::clone(&gateway.events.door), room, request).await
}

async fn nowhere() -> Response {
    Problem::no_such_page().into_response()
}

pub(crate) async fn wrong_method() -> Response {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_message", "this method is not offered here")
        .into_response()
}

/// Headers that every answer has unless its handler chose its own.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // A token may stand in the query: it must not travel on in a Referer, nor lie in a cache.
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

async fn every_answer(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let mut response = next.run(request).await;
    telemetry::answered(route, response.status().as_u16());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        for (name, value) in HEADERS {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
    }
    response
}
