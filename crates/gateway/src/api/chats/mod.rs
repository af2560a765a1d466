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
use uuid::Uuid;

pub(super) use participants::{add, remove};

use super::away;
use super::body::{Body, Fields, broken};
use super::caller::Known;
use super::reading::{narrow, outsider};
use crate::gateway::Gateway;
use crate::problem::Problem;
use shown::{answer, answer_all};

/// Most others with whom a chat is made at once; more are added one by one.
const MOST_OTHERS: usize = 500;
/// Most characters of a title.
const LONGEST_TITLE: usize = 200;

/// `GET /api/chats`: those of the caller, as far as the token reaches.
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
) -> Result<Response, Problem> {
    let chats = gateway.node.directory().chats_of(&identity.user).await.map_err(|error| away(&error))?;
    let chats = chats.into_iter().filter(|chat| identity.may_enter(&chat.room)).collect();
    Ok(answer_all(&gateway.node, chats))
}

/// `GET /api/chats/{id}`.
pub(super) async fn one(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let chat = own(&gateway, &identity, &room(id)?).await?;
    Ok(answer(&gateway.node, StatusCode::OK, chat))
}

/// `POST /api/chats`.
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

/// `PATCH /api/chats/{id}`.
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
