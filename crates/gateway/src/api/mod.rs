//! The HTTP API under `/api`: its routes, and who is asking.

mod cors;
mod history;
mod message;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::words::{Code, Identity};

use crate::accept::Peer;
use crate::auth::Refused;
use crate::gateway::Gateway;
use crate::problem::Problem;
use crate::router::wrong_method;

/// Every route, relative to `/api`.
pub(crate) fn router(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    Router::new()
        .route("/rooms/{room}/messages", get(history::messages))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(gateway), cors::answer))
}

async fn nowhere() -> Response {
    Problem::no_such_page().into_response()
}

/// The verified sender of a request; a handler that takes it refuses everybody else.
pub(crate) struct Caller(pub(crate) Identity);

impl FromRequestParts<Arc<Gateway>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        let Some(Peer(peer)) = parts.extensions.get().copied() else {
            return Err(Problem::of(Code::Internal, "this connection has no peer"));
        };
        let outcome = gateway.authenticator.identify(&parts.headers, &parts.uri, peer, "api").await;
        outcome.map(Caller).map_err(|refused| match refused {
            Refused::Origin => Problem::of(Code::Forbidden, "this origin may not use the cookie"),
            Refused::Token(_) => Problem::unauthorized("a valid token is needed"),
        })
    }
}
