//! `/api/chats…`: chats, and who takes part in them.
//!
//! Owns who may see and change a chat over HTTP. Invariant: each change is committed before any node
//! hears of it, and every node has heard of it before the client does.

mod hearing;
mod participants;
mod shown;

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ports::Created;
use domain::words::{Chat, Code, Identity, Namespace, NewChat, RoomId, UserId};
use utoipa::ToSchema;
use uuid::Uuid;

pub(super) use participants::{__path_add, __path_remove, add, remove};

use super::away;
use super::body::{Body, Fields, broken};
use super::caller::Known;
use super::openapi::{AnyUserId, Guarded, Missing, WithBody};
use super::reading::{narrow, outsider};
use crate::gateway::Gateway;
use crate::problem::Problem;
use shown::{Chats, Shown, answer, answer_all};

/// Most others with whom a chat is made at once; more are added one by one.
const MOST_OTHERS: usize = 500;
/// Most characters of a title.
const LONGEST_TITLE: usize = 200;

/// A chat to be made.
#[derive(ToSchema)]
#[schema(as = NewChat, rename_all = "camelCase")]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct NewChatBody {
    /// Without control characters; an empty one is none.
    #[schema(max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "Lunch")]
    title: Option<String>,
    /// The others. Whoever is named twice, or is the caller, takes part once.
    #[schema(max_items = 500)]
    participant_ids: Vec<AnyUserId>,
    /// Whether it is the one chat with the one other: then that one is answered where it is there already.
    direct: Option<bool>,
}

/// What a chat shall be called.
#[derive(ToSchema)]
#[schema(as = Title)]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct TitleBody {
    /// Without control characters; `null` or an empty one takes it away.
    #[schema(max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", required)]
    title: Option<String>,
}

/// The caller's chats, as far as the token reaches.
#[utoipa::path(get, path = "/chats", operation_id = "listChats", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The one with the newest message first", body = Chats), Guarded))]
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
) -> Result<Response, Problem> {
    let chats = gateway.node.directory().chats_of(&identity.user).await.map_err(|error| away(&error))?;
    let chats = chats.into_iter().filter(|chat| identity.may_enter(&chat.room)).collect();
    Ok(answer_all(&gateway.node, chats))
}

/// One chat in which the caller takes part.
#[utoipa::path(get, path = "/chats/{id}", operation_id = "getChat", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "The `chatId`")),
    responses((status = 200, description = "The chat", body = Shown<'_>), Guarded, Missing))]
pub(super) async fn one(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let chat = own(&gateway, &identity, &room(id)?).await?;
    Ok(answer(&gateway.node, StatusCode::OK, chat))
}

/// Makes a chat; the caller owns it.
#[utoipa::path(post, path = "/chats", operation_id = "createChat", tag = "chats", security(("bearer" = []), ("cookie" = [])), request_body = NewChatBody,
    responses(
        (status = 201, description = "The new chat", body = Shown<'_>),
        (status = 200, description = "The direct chat that the two have already", body = Shown<'_>),
        WithBody, Guarded, Missing,
    ))]
pub(super) async fn create(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    Body(fields): Body,
) -> Result<Response, Problem> {
    if identity.rooms.is_some() {
        return Err(Problem::of(Code::Forbidden, "this token is for a list of rooms: it makes no others"));
    }
    let new = wanted(&identity, &fields)?;
    match gateway.node.directory().create_chat(&new).await.map_err(|error| away(&error))? {
        Created::New(chat) => {
            tracing::debug!(room.id = %chat.room, user.id = %identity.user, "chat made");
            hearing::summon_all(&gateway.node, &chat).await;
            Ok(answer(&gateway.node, StatusCode::CREATED, chat))
        }
        Created::Existing(chat) => Ok(answer(&gateway.node, StatusCode::OK, chat)),
        Created::UnknownUser => {
            Err(Problem::of(Code::NotFound, "participantIds: one of these users is not known"))
        }
    }
}

/// Gives a chat another title.
#[utoipa::path(patch, path = "/chats/{id}", operation_id = "retitleChat", tag = "chats", security(("bearer" = []), ("cookie" = [])), request_body = TitleBody,
    params(("id" = String, Path, description = "The `chatId`")),
    responses((status = 200, description = "The chat", body = Shown<'_>), WithBody, Guarded, Missing))]
pub(super) async fn retitle(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    id: Result<Path<String>, PathRejection>,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let room = room(id)?;
    own(&gateway, &identity, &room).await?;
    if !fields.names("title") {
        return Err(broken("title", "is needed; null takes it away"));
    }
    let title = title(&fields)?;
    if !gateway.node.directory().retitle(&room, title.as_deref()).await.map_err(|error| away(&error))? {
        return Err(missing());
    }
    Ok(answer(&gateway.node, StatusCode::OK, find(&gateway, &identity, &room).await?))
}

/// The chat that a body asks for. Whoever is named twice, or is the caller, takes part once.
fn wanted(identity: &Identity, fields: &Fields) -> Result<NewChat, Problem> {
    let (direct, title) = (fields.flag("direct")?, title(fields)?);
    let mut seen = HashSet::from([identity.user.clone()]);
    let mut others = fields.users("participantIds", MOST_OTHERS)?;
    others.retain(|user| seen.insert(user.clone()));
    if direct && others.len() != 1 {
        return Err(broken("participantIds", "names exactly one other user where direct is true"));
    }
    let room =
        RoomId::new(Namespace::Chat, &Uuid::now_v7().to_string()).expect("a UUID is a legal room name");
    Ok(NewChat { room, title, owner: identity.user.clone(), others, direct })
}

/// The title in a body. An empty one is none.
fn title(fields: &Fields) -> Result<Option<String>, Problem> {
    let title = fields.optional_text("title")?.map(str::trim).filter(|title| !title.is_empty());
    match title {
        Some(title) if title.chars().count() > LONGEST_TITLE || title.chars().any(char::is_control) => {
            Err(broken("title", "has at most 200 characters and no control characters"))
        }
        Some(_) | None => Ok(title.map(str::to_owned)),
    }
}

/// The room of the chat that a path names. What cannot be an id is the id of no chat.
fn room(id: Result<Path<String>, PathRejection>) -> Result<RoomId, Problem> {
    let room = id.ok().and_then(|Path(id)| RoomId::new(Namespace::Chat, &id).ok());
    room.ok_or_else(missing)
}

/// A chat in which the caller takes part.
async fn own(gateway: &Gateway, identity: &Identity, room: &RoomId) -> Result<Chat, Problem> {
    let chat = find(gateway, identity, room).await?;
    if takes_part(&chat, &identity.user) { Ok(chat) } else { Err(outsider()) }
}

/// A chat that the caller's token reaches.
async fn find(gateway: &Gateway, identity: &Identity, room: &RoomId) -> Result<Chat, Problem> {
    if !identity.may_enter(room) {
        return Err(narrow());
    }
    let chat = gateway.node.directory().chat(room, &identity.user).await;
    chat.map_err(|error| away(&error))?.ok_or_else(missing)
}

fn takes_part(chat: &Chat, user: &UserId) -> bool {
    chat.participants.iter().any(|participant| participant.who.user == *user)
}

fn missing() -> Problem {
    Problem::of(Code::NotFound, "there is no such chat")
}
