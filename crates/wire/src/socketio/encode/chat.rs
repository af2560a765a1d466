//! What happens in a chat: `message:*`, `typing:*`, `resync`.

use bytes::Bytes;
use domain::words::{
    Amendment, Attachment, Author, ClientId, Content, Event, Form, Message, RoomId, Sign, Timestamp,
};
use serde::Serialize;

use super::Mark;
use super::frame::{Outlet, SHORT};
use crate::json::{Id, Reason, RoomName, User};

/// What a message's object holds beside its text, in bytes: enough for most, so that one allocation does.
const ENVELOPE: usize = 384;

/// An event in a chat.
pub(super) fn event(event: &Event, form: Form, outlet: Outlet<'_>) -> Option<Bytes> {
    match event {
        Event::Message(message) => new(message, form, outlet),
        Event::Edited(change) => Some(edited(change, form, outlet)),
        Event::Deleted(change) => Some(deleted(change, form, outlet)),
        Event::Reacted(change) => Some(reaction(change, false, form, outlet)),
        Event::Unreacted(change) => Some(reaction(change, true, form, outlet)),
        Event::Resync { room, position } => {
            Some(outlet.event(SHORT, "resync", &Mark::new(room, form, *position)))
        }
        Event::Sign { room, sign } => self::sign(RoomName { id: room, form }, sign, outlet),
    }
}

fn sign(chat_id: RoomName<'_>, sign: &Sign, outlet: Outlet<'_>) -> Option<Bytes> {
    match sign {
        Sign::Typing { who: Author { user, name }, active } => {
            let username = name.as_deref().filter(|_| *active);
            let writer = Typing { chat_id, user_id: User(user), username };
            let event = if *active { "typing:start" } else { "typing:stop" };
            Some(outlet.event(SHORT, event, &writer))
        }
        Sign::Read { message, reader } => {
            let read = Read { message_id: Id(*message), user_id: User(reader), chat_id };
            Some(outlet.event(SHORT, "message:read", &read))
        }
        // Announcements are told in the same words everywhere.
        Sign::Announcement(_)
        | Sign::Status { .. }
        | Sign::Members { .. }
        | Sign::Signal(_)
        | Sign::Attendance { .. }
        | Sign::Seats(_) => None,
    }
}

/// A message that stands. `content` is empty where `unreadable` says why.
fn new(message: &Message, form: Form, outlet: Outlet<'_>) -> Option<Bytes> {
    if message.deleted_at.is_some() {
        return None;
    }
    let Author { user, name } = &message.author;
    let readable = message.content.as_ref().ok();
    let new = New {
        id: Id(message.id),
        chat_id: RoomName { id: &message.room, form },
        content: readable.map_or("", |content| &content.text),
        message_type: readable.map(|content| content.message_type).unwrap_or_default().as_str(),
        sender: Sender { id: User(user), username: name.as_deref() },
        created_at: message.sent_at,
        seq: message.position.seq,
        epoch: message.position.epoch,
        client_id: message.client_id.as_ref().map(ClientId::as_str),
        reply_to: readable.and_then(Content::reply_to).map(Id),
        attachments: readable.map_or(&[], |content| &content.attachments),
        unreadable: message.content.as_ref().err().copied().map(Reason),
    };
    let capacity = ENVELOPE + new.content.len() + new.content.len() / 8 + new.attachments.len() * 256;
    Some(outlet.event(capacity, "message:new", &new))
}

fn edited(change: &Amendment, form: Form, outlet: Outlet<'_>) -> Bytes {
    let content = text(change);
    let edited = Edited {
        chat_id: chat(&change.room, form),
        message_id: Id(change.target),
        content,
        edited_at: change.at,
        seq: change.position.seq,
        unreadable: unreadable(change),
    };
    outlet.event(SHORT + content.len() + content.len() / 8, "message:edited", &edited)
}

fn deleted(change: &Amendment, form: Form, outlet: Outlet<'_>) -> Bytes {
    let deleted = Deleted {
        chat_id: chat(&change.room, form),
        message_id: Id(change.target),
        seq: change.position.seq,
    };
    outlet.event(SHORT, "message:deleted", &deleted)
}

fn reaction(change: &Amendment, removed: bool, form: Form, outlet: Outlet<'_>) -> Bytes {
    let reaction = Reaction {
        chat_id: chat(&change.room, form),
        message_id: Id(change.target),
        user_id: User(&change.author.user),
        emoji: text(change),
        removed,
        seq: change.position.seq,
        unreadable: unreadable(change),
    };
    outlet.event(SHORT, "message:reaction", &reaction)
}

fn chat(id: &RoomId, form: Form) -> RoomName<'_> {
    RoomName { id, form }
}

fn text(change: &Amendment) -> &str {
    change.content.as_ref().map_or("", |content| &content.text)
}

fn unreadable(change: &Amendment) -> Option<Reason> {
    change.content.as_ref().err().copied().map(Reason)
}

#[derive(Serialize)]
struct New<'a> {
    id: Id,
    chat_id: RoomName<'a>,
    content: &'a str,
    message_type: &'static str,
    sender: Sender<'a>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: Timestamp,
    seq: u64,
    epoch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Id>,
    attachments: &'a [Attachment],
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Reason>,
}

#[derive(Serialize)]
struct Sender<'a> {
    id: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Edited<'a> {
    chat_id: RoomName<'a>,
    message_id: Id,
    content: &'a str,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    edited_at: Timestamp,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Reason>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deleted<'a> {
    chat_id: RoomName<'a>,
    message_id: Id,
    seq: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reaction<'a> {
    chat_id: RoomName<'a>,
    message_id: Id,
    user_id: User<'a>,
    emoji: &'a str,
    removed: bool,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Reason>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Typing<'a> {
    chat_id: RoomName<'a>,
    user_id: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Read<'a> {
    message_id: Id,
    user_id: User<'a>,
    chat_id: RoomName<'a>,
}
