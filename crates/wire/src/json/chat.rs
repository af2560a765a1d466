//! What happened in a room, as the raw dialects tell it: the message object, and a new epoch.
//!
//! Everything is borrowed from the event and written in one go: this runs once per message and dialect.

use domain::words::{Attachment, Author, ClientId, Form, Message, Position, RoomId, Timestamp};
use serde::Serialize;

use super::{Id, Reason, RoomName, User, unusual};

/// What a message object holds beside its text, in bytes: enough for most, so that one allocation does.
const ENVELOPE: usize = 384;

/// A message as it stands now. `message` is empty where `unreadable` says why.
#[derive(Serialize)]
#[serde(tag = "type", rename = "chat", rename_all = "camelCase")]
pub(crate) struct Chat<'a> {
    room_id: RoomName<'a>,
    message: &'a str,
    user_id: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    id: Id,
    seq: u64,
    epoch: u64,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    sent_at: Timestamp,
    #[serde(serialize_with = "crate::timestamp::serialize_some", skip_serializing_if = "Option::is_none")]
    edited_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Id>,
    #[serde(skip_serializing_if = "<[Attachment]>::is_empty")]
    attachments: &'a [Attachment],
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Reason>,
}

impl<'a> Chat<'a> {
    /// The message object, with the room written in `form`.
    pub(crate) fn new(message: &'a Message, form: Form) -> Self {
        let Author { user, name } = &message.author;
        let content = message.content.as_ref();
        let readable = content.ok();
        Self {
            room_id: RoomName { id: &message.room, form },
            message: readable.map_or("", |content| &content.text),
            user_id: User(user),
            username: name.as_deref(),
            id: Id(message.id),
            seq: message.position.seq,
            epoch: message.position.epoch,
            sent_at: message.sent_at,
            edited_at: None,
            client_id: message.client_id.as_ref().map(ClientId::as_str),
            message_type: readable.and_then(|content| unusual(content.message_type)),
            reply_to: readable.and_then(|content| content.reply_to()).map(Id),
            attachments: readable.map_or(&[], |content| &content.attachments),
            unreadable: content.err().copied().map(Reason),
        }
    }

    /// The same, and when its text last changed.
    pub(crate) fn with_edit(message: &'a Message, form: Form) -> Self {
        Self { edited_at: message.edited_at, ..Self::new(message, form) }
    }

    /// How many bytes the object takes, roughly.
    pub(crate) fn size(&self) -> usize {
        ENVELOPE + self.message.len() + self.message.len() / 8 + self.attachments.len() * 256
    }
}

/// A new epoch begins behind this position.
#[derive(Serialize)]
#[serde(tag = "type", rename = "resync", rename_all = "camelCase")]
pub(crate) struct Resync<'a> {
    room_id: RoomName<'a>,
    epoch: u64,
    seq: u64,
}

impl<'a> Resync<'a> {
    /// The announcement, with the room written in `form`.
    pub(crate) fn new(room: &'a RoomId, position: Position, form: Form) -> Self {
        Self { room_id: RoomName { id: room, form }, epoch: position.epoch, seq: position.seq }
    }
}
