//! A chat as the HTTP API shows it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::node::Node;
use domain::words::{Chat, Participant};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use wire::rfc3339;

use crate::api::message::{self, Id, encode};
use crate::api::openapi::{AnyUserId, Moment};

/// A chat, as one of its participants sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Chat)]
pub(super) struct Shown<'a> {
    /// The `chatId`; the room is `chat:{id}`.
    #[schema(pattern = r"^[A-Za-z0-9_.:\-]{1,128}$")]
    id: &'a str,
    #[schema(required, max_length = 200)]
    title: Option<&'a str>,
    /// Whether it is the one chat between two users.
    direct: bool,
    /// Oldest participant first.
    participants: Vec<Part<'a>>,
    #[schema(value_type = Moment)]
    created_at: String,
    /// Messages of others behind one's cursor, counted up to 100.
    #[schema(maximum = 100)]
    unread: u64,
    /// The newest message that is not withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = message::Shown<'a>, required = false)]
    last_message: Option<Box<RawValue>>,
}

/// Somebody who takes part in a chat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Participant)]
struct Part<'a> {
    #[schema(value_type = AnyUserId)]
    user_id: Id<'a>,
    #[schema(required)]
    username: Option<&'a str>,
    #[schema(value_type = PartName)]
    role: &'static str,
    #[schema(value_type = Option<Moment>, required)]
    last_read_at: Option<String>,
}

/// What a participant is to a chat; an owner puts others out.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "a shape for the document; the domain names the parts")]
enum PartName {
    Owner,
    Member,
}

/// The caller's chats, the one with the newest message first.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a shape for the document; the list is joined from texts")]
pub(super) struct Chats {
    chats: Vec<Shown<'static>>,
}

/// The answer with one chat.
pub(super) fn answer(node: &Node, status: StatusCode, chat: Chat) -> Response {
    json(status, text(node, chat))
}

/// The answer with all of them.
pub(super) fn answer_all(node: &Node, chats: Vec<Chat>) -> Response {
    let chats: Vec<String> = chats.into_iter().map(|chat| text(node, chat)).collect();
    json(StatusCode::OK, format!("{{\"chats\":[{}]}}", chats.join(",")))
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

fn text(node: &Node, mut chat: Chat) -> String {
    let last = chat.last_message.take().map(|stored| encode(&node.shown(&chat.room, stored)));
    let shown = Shown {
        id: chat.room.name(),
        title: chat.title.as_deref(),
        direct: chat.direct,
        participants: chat.participants.iter().map(part).collect(),
        created_at: rfc3339(chat.created_at),
        unread: chat.unread,
        last_message: last.map(|text| RawValue::from_string(text).expect("it was encoded just now")),
    };
    serde_json::to_string(&shown).expect("strings, numbers and lists always encode")
}

fn part(participant: &Participant) -> Part<'_> {
    Part {
        user_id: Id(&participant.who.user),
        username: participant.who.name.as_deref(),
        role: participant.part.as_str(),
        last_read_at: participant.last_read_at.map(rfc3339),
    }
}
