//! A chat as the HTTP API shows it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::node::Node;
use domain::words::{Chat, Participant};
use serde::Serialize;
use serde_json::value::RawValue;
use wire::rfc3339;

use crate::api::message::{Id, encode};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a str,
    title: Option<&'a str>,
    direct: bool,
    participants: Vec<Part<'a>>,
    created_at: String,
    unread: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    user_id: Id<'a>,
    username: Option<&'a str>,
    role: &'static str,
    last_read_at: Option<String>,
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
