//! Saying something from outside: in a room in a user's name, or to everybody.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::words::{Announcement, Audience, Author, ClientId, Code, Content, Identity, Namespace, RoomId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{message, user_in};
use crate::api::away;
use crate::api::body::{Body, Fields, broken};
use crate::api::caller::Operator;
use crate::api::idempotency::{Answer, Key, KeyHeader, once};
use crate::api::message::Id;
use crate::api::openapi::{AnyUserId, Clash, Guarded, Missing, TextUserId, WithBody};
use crate::api::reading::{narrow, unlisted};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// A message in a user's name.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct Publication {
    /// An open room, a chat, or the lobby.
    #[schema(pattern = r"^((room|chat):[A-Za-z0-9_.:\-]{1,128}|lobby:main)$", example = "room:lounge")]
    room: String,
    /// In whose name. They need not be in the room.
    user_id: AnyUserId,
    /// The name to show.
    #[schema(max_length = 128, pattern = r"^[^\x00]*$", example = "Anna")]
    username: Option<String>,
    /// The text. At most 8192 characters if not configured otherwise, without the space around it; else 413.
    #[schema(min_length = 1, pattern = r"^[^\x00]*[^\x00\s][^\x00]*$", example = "Doors open at eight")]
    message: String,
    /// A name for the message: a second one of the same user in the same room under it is the first.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\x00]{1,64}$", example = "order-7")]
    client_id: Option<String>,
}

/// The message is accepted.
#[derive(Serialize, ToSchema)]
struct Published {
    #[schema(format = Uuid)]
    id: String,
    /// Its number in the room.
    #[schema(minimum = 1, example = 7)]
    seq: u64,
}

/// Something for everybody.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct Broadcast {
    /// The text. At most 8192 characters if not configured otherwise, without the space around it; else 413.
    #[schema(min_length = 1, pattern = r"^[^\x00]*[^\x00\s][^\x00]*$", example = "Back in five minutes")]
    message: String,
}

/// It is on its way to every node.
#[derive(Serialize, ToSchema)]
struct Announced<'a> {
    /// By whom it is said.
    #[schema(value_type = AnyUserId)]
    from: Id<'a>,
}

/// Publishes a message in a user's name: numbered, kept and heard like any other.
#[utoipa::path(post, path = "/server/publish", operation_id = "publish", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(KeyHeader), request_body = Publication,
    responses(
        (status = 202, description = "Accepted, now or under the same `clientId` or key before", body = Published),
        WithBody, Guarded, Missing, Clash,
    ))]
pub(super) async fn publish(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    key: Key,
    Body(fields): Body,
) -> Result<Answer, Problem> {
    let (room, content) = (room(&identity, &fields)?, Content::text(message(&gateway, &fields)?));
    let author = Author { user: fields.user("userId")?, name: name(&fields)? };
    let named = client_id(&fields)?;
    let errand = key.of(&identity.user, &format!("publish {}", fields.canonical()));
    let named = named.or_else(|| errand.as_ref().map(|errand| errand.client_id()));
    let at = gateway.clone();
    let deed = async move {
        exists(&at, &room, &identity).await?;
        let published = at.node.publish(&room, author, content, named).await?;
        let shown = Published { id: published.id.to_string(), seq: published.position.seq };
        Ok(Answer::new(StatusCode::ACCEPTED, &shown))
    };
    once(&gateway, errand, deed).await
}

/// Announces something to every connection of the hub and of Socket.IO.
#[utoipa::path(post, path = "/server/broadcast", operation_id = "broadcast", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(KeyHeader), request_body = Broadcast,
    responses(
        (status = 202, description = "On its way to every node", body = Announced<'_>),
        WithBody, Guarded, Clash,
    ))]
pub(super) async fn broadcast(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    key: Key,
    Body(fields): Body,
) -> Result<Answer, Problem> {
    unlisted(&identity)?;
    let announcement =
        Announcement { from: identity.user.clone(), message: message(&gateway, &fields)?.into() };
    let errand = key.of(&identity.user, &format!("broadcast {}", fields.canonical()));
    let at = gateway.clone();
    let deed = async move {
        at.node.announce(announcement, Audience::Everyone).await?;
        Ok(Answer::new(StatusCode::ACCEPTED, &Announced { from: Id(&identity.user) }))
    };
    once(&gateway, errand, deed).await
}

/// Announces something to every connection of one user, at the hub and over Socket.IO. They need not be there.
#[utoipa::path(post, path = "/server/users/{id}/announce", operation_id = "announceToUser", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(("id" = TextUserId, Path, description = "To whom, known or not"), KeyHeader), request_body = Broadcast,
    responses(
        (status = 202, description = "On its way to every node", body = Announced<'_>),
        WithBody, Guarded, Clash,
    ))]
pub(super) async fn announce(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    key: Key,
    id: Result<Path<String>, PathRejection>,
    Body(fields): Body,
) -> Result<Answer, Problem> {
    unlisted(&identity)?;
    let user = user_in(id)?;
    let announcement =
        Announcement { from: identity.user.clone(), message: message(&gateway, &fields)?.into() };
    let errand = key.of(&identity.user, &format!("announce {user} {}", fields.canonical()));
    let at = gateway.clone();
    let deed = async move {
        at.node.announce(announcement, Audience::User(user)).await?;
        Ok(Answer::new(StatusCode::ACCEPTED, &Announced { from: Id(&identity.user) }))
    };
    once(&gateway, errand, deed).await
}

/// A room that is published into from outside, and that the token reaches.
fn room(identity: &Identity, fields: &Fields) -> Result<RoomId, Problem> {
    let illegal = || Problem::of(Code::InvalidRoom, "room: is room:…, chat:… or lobby:main");
    let room = RoomId::parse(fields.text("room")?).map_err(|_| illegal())?;
    match room.namespace() {
        Namespace::Lobby if room == RoomId::lobby() => Ok(room),
        Namespace::Room | Namespace::Chat if identity.may_enter(&room) => Ok(room),
        Namespace::Room | Namespace::Chat => Err(narrow()),
        Namespace::Lobby | Namespace::Event | Namespace::User | Namespace::Cluster => Err(illegal()),
    }
}

/// Refuses a chat that is not there: its messages would be nobody's.
async fn exists(gateway: &Gateway, room: &RoomId, identity: &Identity) -> Result<(), Problem> {
    if room.namespace() != Namespace::Chat {
        return Ok(());
    }
    let chat = gateway.node.directory().chat(room, &identity.user).await.map_err(|error| away(&error))?;
    chat.map(|_| ()).ok_or_else(|| Problem::of(Code::NotFound, "there is no such chat"))
}

fn name(fields: &Fields) -> Result<Option<Arc<str>>, Problem> {
    match fields.optional_text("username")? {
        Some(name) if name.chars().count() > 128 || name.contains('\0') => {
            Err(broken("username", "has at most 128 characters and no NUL"))
        }
        name => Ok(name.filter(|name| !name.is_empty()).map(Arc::from)),
    }
}

fn client_id(fields: &Fields) -> Result<Option<ClientId>, Problem> {
    let id = fields.optional_text("clientId")?.map(ClientId::parse).transpose();
    id.map_err(|error| broken("clientId", error.0))
}
