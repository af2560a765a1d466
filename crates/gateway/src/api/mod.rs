//! The HTTP API under `/api`: its routes, and what all handlers share.

mod accounts;
mod body;
mod caller;
mod chats;
mod cors;
mod history;
mod members;
mod message;
mod naming;
mod reading;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use domain::ports::PortError;
use domain::words::{Code, RoomId};

pub(crate) use caller::Caller;
pub(crate) use cors::answer as cors;

use crate::accept::Peer;
use crate::gateway::Gateway;
use crate::problem::Problem;
use crate::router::wrong_method;

/// Every route, relative to `/api`.
pub(crate) fn router(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    Router::new()
        .route("/auth/register", post(accounts::register))
        .route("/auth/login", post(accounts::login))
        .route("/auth/logout", post(accounts::logout))
        .route("/me", get(accounts::me))
        .route("/chats", get(chats::list).post(chats::create))
        .route("/chats/{id}", get(chats::one).patch(chats::retitle))
        .route("/chats/{id}/participants", post(chats::add))
        .route("/chats/{id}/participants/{user}", delete(chats::remove))
        .route("/rooms/{room}/messages", get(history::messages))
        .route("/rooms/{room}/members", get(members::members))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(gateway), cors::answer))
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
    let room = path.ok().and_then(|Path(key)| RoomId::parse(&key).ok());
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
