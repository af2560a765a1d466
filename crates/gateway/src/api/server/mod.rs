//! `/api/server/…`: what backends and operators ask of a running cluster.
//!
//! Owns who may ask ([`Operator`]) and what a path and a text must be. Invariant: whatever is asked for acts on every node,
//! since each handler only calls the node's one way of doing it.

mod looking;
mod publishing;
mod tokens;
mod users;

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use domain::words::{Code, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Fields, broken};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// The routes, relative to `/api`.
pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(publishing::publish))
        .routes(routes!(publishing::broadcast))
        .routes(routes!(publishing::announce))
        .routes(routes!(users::disconnect))
        .routes(routes!(users::disable))
        .routes(routes!(users::enable))
        .routes(routes!(users::assign))
        .routes(routes!(tokens::revoke))
        .routes(routes!(looking::stats))
        .routes(routes!(looking::nodes))
        .routes(routes!(looking::presence))
}

/// The user whom a path names, known or not.
fn user_in(path: Result<Path<String>, PathRejection>) -> Result<UserId, Problem> {
    let user = path.ok().and_then(|Path(id)| UserId::text(&id).ok());
    user.ok_or_else(|| broken("id", "a user id has 1 to 128 characters"))
}

/// The text in a body, by the rules of every text on the sockets.
fn message<'a>(gateway: &Gateway, fields: &'a Fields) -> Result<&'a str, Problem> {
    let (text, limit) = (fields.text("message")?, gateway.node.limits().text);
    let trimmed = text.trim();
    if trimmed.is_empty() || text.contains('\0') {
        return Err(broken("message", "is a text that is neither empty nor contains NUL"));
    }
    if limit > 0 && trimmed.len() > limit && trimmed.chars().count() > limit {
        return Err(Problem::of(Code::TooLarge, format!("message: has at most {limit} characters")));
    }
    Ok(text)
}
