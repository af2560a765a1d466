//! `/api/chats/{id}/participants…`: who comes in and who goes.
//!
//! Both requests may be repeated until they succeed: what is done already is done once, and is told to
//! the nodes again. A direct chat keeps its two participants for ever.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ports::{Added, Removed};
use domain::words::{Author, Chat, Code, Identity, Part, Role, RoomId, UserId};
use utoipa::ToSchema;

use super::shown::{Shown, answer};
use super::{away, find, hearing, missing, outsider, own, room, takes_part};
use crate::api::body::Body;
use crate::api::caller::Known;
use crate::api::openapi::{AnyUserId, Clash, Guarded, Missing, TextUserId, WithBody};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Who shall take part.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct NewParticipant {
    user_id: AnyUserId,
}

/// Lets a user take part. Any participant may; it may be repeated.
#[utoipa::path(post, path = "/chats/{id}/participants", operation_id = "addParticipant", tag = "chats", security(("bearer" = []), ("cookie" = [])), request_body = NewParticipant,
    params(("id" = String, Path, description = "The `chatId`")),
    responses((status = 200, description = "The chat", body = Shown<'_>), WithBody, Guarded, Missing, Clash))]
pub(in crate::api) async fn add(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    id: Result<Path<String>, PathRejection>,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let room = room(id)?;
    let chat = own(&gateway, &identity, &room).await?;
    let user = fields.user("userId")?;
    if chat.direct && !takes_part(&chat, &user) {
        return Err(fixed());
    }
    match gateway.node.directory().add_participant(&room, &user).await.map_err(|error| away(&error))? {
        Added::Now => tracing::debug!(room.id = %room, user.id = %user, "participant added"),
        Added::Already => {}
        Added::UnknownUser => return Err(unknown()),
        Added::UnknownChat => return Err(missing()),
    }
    hearing::summon(&gateway.node, &room, &user).await?;
    Ok(answer(&gateway.node, StatusCode::OK, find(&gateway, &identity, &room).await?))
}

/// Puts a user out. An owner, the user and an admin may.
///
/// 204 also where the user took no part any more: an answer may have been lost, and then the nodes must hear of it again.
#[utoipa::path(delete, path = "/chats/{id}/participants/{userId}", operation_id = "removeParticipant", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = String, Path, description = "The `chatId`"),
        ("userId" = TextUserId, Path, description = "Who"),
    ),
    responses((status = 204, description = "The user takes no part any more"), Guarded, Missing, Clash))]
pub(in crate::api) async fn remove(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((id, user)) = path.map_err(|_| missing())?;
    let room = room(Ok(Path(id)))?;
    let user = UserId::text(&user).map_err(|_| unknown())?;
    let chat = find(&gateway, &identity, &room).await?;
    may_remove(&chat, &identity, &user)?;
    let directory = gateway.node.directory();
    match directory.remove_participant(&room, &user).await.map_err(|error| away(&error))? {
        Removed::Now => tracing::debug!(room.id = %room, user.id = %user, "participant removed"),
        Removed::NotThere => known(&gateway, &user).await?,
        Removed::UnknownChat => return Err(missing()),
    }
    hearing::expel(&gateway.node, &room, &user).await?;
    readmit(&gateway, &room, &user).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody may have added the user again between the transaction and the word of it: then they are in.
async fn readmit(gateway: &Gateway, room: &RoomId, user: &UserId) {
    let found = gateway.node.directory().participants_among(room, std::slice::from_ref(user)).await;
    match found {
        Ok(found) if found.is_empty() => {}
        Ok(_) => {
            // Whoever added them tells the nodes too, and answers for it.
            let _told_twice_at_worst = hearing::summon(&gateway.node, room, user).await;
        }
        Err(error) => tracing::debug!(%error, "nobody can tell whether a removed user was added again"),
    }
}

fn may_remove(chat: &Chat, identity: &Identity, user: &UserId) -> Result<(), Problem> {
    let mine = chat.participants.iter().find(|participant| participant.who.user == identity.user);
    let may = match mine.map(|participant| participant.part) {
        _ if identity.role == Role::Admin || *user == identity.user => Ok(()),
        Some(Part::Owner) => Ok(()),
        Some(Part::Member) => Err(Problem::of(Code::Forbidden, "only an owner puts others out")),
        None => Err(outsider()),
    };
    may.and_then(|()| if chat.direct && takes_part(chat, user) { Err(fixed()) } else { Ok(()) })
}

/// Refuses the id of nobody.
async fn known(gateway: &Gateway, user: &UserId) -> Result<(), Problem> {
    let nobody = Author { user: user.clone(), name: None };
    let account = gateway.node.directory().admit(&nobody, Role::User, false).await;
    account.map_err(|error| away(&error))?.map(|_| ()).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::of(Code::NotFound, "userId: this user is not known")
}

fn fixed() -> Problem {
    Problem::of(Code::Conflict, "a direct chat keeps its two participants")
}
