//! Ruling over users: ending their connections, keeping them out, letting them in, giving them a role.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::words::{Code, Identity, Role, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::user_in;
use crate::api::body::{Body, Fields, broken};
use crate::api::caller::Operator;
use crate::api::idempotency::{Answer, Key, KeyHeader, once};
use crate::api::openapi::{Clash, Guarded, Malformed, TextUserId, Unprocessable, WithBody};
use crate::api::reading::unlisted;
use crate::auth::Whence;
use crate::gateway::Gateway;
use crate::problem::Problem;

/// What became of the user's connections.
#[derive(Serialize, ToSchema)]
struct Closed {
    /// How many there were, on all nodes.
    #[schema(example = 2)]
    closed: u64,
}

/// The role to give.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct Appointment {
    role: GivenRole,
}

/// A role; each may do what those before it may.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase", example = "moderator")]
#[allow(dead_code, reason = "a shape for the document; the domain names the roles")]
enum GivenRole {
    User,
    Moderator,
    Admin,
    Service,
}

/// Ends every connection of a user. They may come back.
#[utoipa::path(post, path = "/server/users/{id}/disconnect", operation_id = "disconnectUser", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(("id" = TextUserId, Path, description = "Who, known or not"), KeyHeader),
    responses(
        (status = 200, description = "They are told to end, with 4503", body = Closed),
        Guarded, Malformed, Unprocessable, Clash,
    ))]
pub(super) async fn disconnect(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    key: Key,
    id: Result<Path<String>, PathRejection>,
) -> Result<Answer, Problem> {
    unlisted(&identity)?;
    let user = user_in(id)?;
    let errand = key.of(&identity.user, &format!("disconnect {user}"));
    let at = gateway.clone();
    let deed = async move {
        let closed = at.node.disconnect(&user).await?;
        tracing::info!(user.id = %user, by = %identity.user, closed, "disconnected by an operator");
        Ok(Answer::new(StatusCode::OK, &Closed { closed }))
    };
    once(&gateway, errand, deed).await
}

/// Ends every connection of a user and keeps them out, also if they were never here. Nobody keeps themselves out.
#[utoipa::path(post, path = "/server/users/{id}/disable", operation_id = "disableUser", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(("id" = TextUserId, Path, description = "Who, known or not"), KeyHeader),
    responses(
        (status = 200, description = "They stay out; their connections are told to end, with 4503", body = Closed),
        Guarded, Malformed, Unprocessable, Clash,
    ))]
pub(super) async fn disable(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    key: Key,
    id: Result<Path<String>, PathRejection>,
) -> Result<Answer, Problem> {
    unlisted(&identity)?;
    let user = user_in(id)?;
    not_oneself(&identity, &user)?;
    let errand = key.of(&identity.user, &format!("disable {user}"));
    let at = gateway.clone();
    let deed = async move {
        let closed = at.node.disable(&user).await?;
        tracing::info!(user.id = %user, by = %identity.user, closed, "disabled by an operator");
        Ok(Answer::new(StatusCode::OK, &Closed { closed }))
    };
    once(&gateway, errand, deed).await
}

/// Lets a user in again.
#[utoipa::path(post, path = "/server/users/{id}/enable", operation_id = "enableUser", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(("id" = TextUserId, Path, description = "Who, known or not"), KeyHeader),
    responses(
        (status = 204, description = "They may come in"),
        Guarded, Malformed, Unprocessable, Clash,
    ))]
pub(super) async fn enable(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    key: Key,
    id: Result<Path<String>, PathRejection>,
) -> Result<Answer, Problem> {
    unlisted(&identity)?;
    let user = user_in(id)?;
    let errand = key.of(&identity.user, &format!("enable {user}"));
    let at = gateway.clone();
    let deed = async move {
        at.node.enable(&user).await?;
        tracing::info!(user.id = %user, by = %identity.user, "enabled by an operator");
        Ok(Answer::empty())
    };
    once(&gateway, errand, deed).await
}

/// Gives a user a role, also on connections that are open. A token that is issued later says for itself what it may do.
/// Nobody gives a role above their own, or changes their own.
#[utoipa::path(put, path = "/server/users/{id}/role", operation_id = "assignRole", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(("id" = TextUserId, Path, description = "Who, known or not")), request_body = Appointment,
    responses((status = 204, description = "The role counts on every node"), WithBody, Guarded, Clash))]
pub(super) async fn assign(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    whence: Whence,
    id: Result<Path<String>, PathRejection>,
    Body(fields): Body,
) -> Result<StatusCode, Problem> {
    unlisted(&identity)?;
    let (user, role) = (user_in(id)?, role(&fields)?);
    if role != identity.role {
        not_oneself(&identity, &user)?;
    }
    if role > identity.role {
        gateway.authenticator.refuse(whence, &identity, "role_above_own");
        return Err(Problem::of(Code::Forbidden, "nobody gives a role above their own"));
    }
    gateway.node.assign(&user, role).await?;
    tracing::info!(user.id = %user, by = %identity.user, role = role.as_str(), "role given by an operator");
    Ok(StatusCode::NO_CONTENT)
}

/// Whoever ruled against themselves would find nobody who takes it back: the last operator stays one.
fn not_oneself(identity: &Identity, user: &UserId) -> Result<(), Problem> {
    match identity.user == *user {
        true => Err(Problem::of(Code::Conflict, "nobody rules against themselves")),
        false => Ok(()),
    }
}

fn role(fields: &Fields) -> Result<Role, Problem> {
    let role = Role::parse(fields.text("role")?);
    role.ok_or_else(|| broken("role", "is user, moderator, admin or service"))
}
