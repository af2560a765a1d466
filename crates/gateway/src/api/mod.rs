//! The HTTP API under `/api`: its routes, and what all handlers share.
//!
//! Invariant: what is routed here is described in [`openapi`], except the page that shows the description.

mod accounts;
mod body;
mod caller;
mod chats;
mod cors;
mod docs;
mod events;
mod export;
mod history;
mod idempotency;
mod members;
mod message;
mod naming;
mod openapi;
mod reading;
mod server;
mod uploads;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use domain::ports::PortError;
use domain::words::{Code, Namespace, RoomId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use caller::Caller;
pub(crate) use cors::answer as cors;
pub(crate) use openapi::Health;
pub use openapi::openapi_json;

use crate::accept::Peer;
use crate::gateway::Gateway;
use crate::problem::Problem;
use crate::router::wrong_method;

/// Every route, relative to `/api`.
pub(crate) fn router(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    let (operations, _described) = operations().split_for_parts();
    operations
        .merge(docs::router())
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(gateway), cors::answer))
}

/// Every operation together with its description, relative to `/api`.
fn operations() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::login))
        .routes(routes!(accounts::logout))
        .routes(routes!(accounts::me))
        .routes(routes!(chats::list, chats::create))
        .routes(routes!(chats::one, chats::retitle))
        .routes(routes!(chats::add))
        .routes(routes!(chats::remove))
        .routes(routes!(history::messages))
        .routes(routes!(members::members))
        .routes(routes!(export::export))
        .merge(uploads::router())
        .merge(events::router())
        .merge(server::router())
        .routes(routes!(openapi::openapi))
}

async fn nowhere() -> Response {
    Problem::no_such_page().into_response()
}

/// Where the request came from, before any proxy's word is weighed.
fn peer(parts: &Parts) -> Result<SocketAddr, Problem> {
    let peer = parts.extensions.get().map(|Peer(peer)| *peer);
    peer.ok_or_else(|| Problem::of(Code::Internal, "this connection has no peer"))
}

/// The room that a path names by its key.
fn room_in(path: Result<Path<String>, PathRejection>) -> Result<RoomId, Problem> {
    room_of(path.ok().map(|Path(key)| key).as_deref())
}

/// The room of this key.
fn room_of(key: Option<&str>) -> Result<RoomId, Problem> {
    let room = key.and_then(|key| RoomId::parse(key).ok());
    // What the nodes tell each other is nobody's room.
    let room = room.filter(|room| room.namespace() != Namespace::Cluster);
    room.ok_or_else(|| Problem::of(Code::InvalidRoom, "a room key is namespace:name"))
}

/// What the directory's failure means to the client that asked.
fn away(error: &PortError) -> Problem {
    match error {
        PortError::Overloaded(after) => {
            Problem::of(Code::Overloaded, "the server is overloaded").after(*after)
        }
        PortError::Unavailable(_) | PortError::Deadline => {
            Problem::of(Code::Overloaded, "the directory is away").after(Duration::from_secs(1))
        }
        PortError::Refused(_) | PortError::Fenced => {
            tracing::error!(%error, "the directory refused a request");
            Problem::of(Code::Internal, "the server could not do this")
        }
    }
}
