//! What has a place in a room's order, as it is shown live, in replay and in pages.

use domain::words::{Amendment, Event, Form, Message, Timestamp};
use serde::Serialize;

use crate::hub::room;
use crate::json::{Chat, Id, Reason, Resync, RoomName, User};

/// One frame, or one item of a page: they are the same.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Happened<'a> {
    Chat(Chat<'a>),
    Tombstone(Tombstone<'a>),
    Edited(Edited<'a>),
    Deleted(Deleted<'a>),
    Reaction(Reaction<'a>),
    Resync(Resync<'a>),
}

impl<'a> Happened<'a> {
    /// The event, if it is one that has a place.
    pub(super) fn new(event: &'a Event, form: Form) -> Option<Self> {
        Some(match event {
            Event::Message(message) => Self::message(message, form),
            Event::Edited(change) => Self::Edited(Edited::new(change, form)),
            Event::Deleted(change) => Self::Deleted(Deleted::new(change, form)),
            Event::Reacted(change) => Self::Reaction(Reaction::new(change, false, form)),
            Event::Unreacted(change) => Self::Reaction(Reaction::new(change, true, form)),
            Event::Resync { room: id, position } => {
                Self::Resync(Resync::new(id, *position, room::name(id, form).form))
            }
            Event::Sign { .. } => return None,
        })
    }

    /// A message as it stands now, withdrawn or not.
    pub(super) fn message(message: &'a Message, form: Form) -> Self {
        let room_id = room::name(&message.room, form);
        match message.deleted_at {
            None => Self::Chat(Chat::with_edit(message, room_id.form)),
            Some(deleted_at) => Self::Tombstone(Tombstone {
                room_id,
                id: Id(message.id),
                seq: message.position.seq,
                epoch: message.position.epoch,
                deleted_at,
            }),
        }
    }

    /// How many bytes it takes beyond a short frame, roughly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Chat(chat) => chat.size(),
            Self::Edited(edited) => edited.message.len() + edited.message.len() / 8,
            Self::Tombstone(_) | Self::Deleted(_) | Self::Reaction(_) | Self::Resync(_) => 0,
        }
    }
}

/// What is left of a message that was withdrawn.
#[derive(Serialize)]
#[serde(tag = "type", rename = "chat", rename_all = "camelCase")]
pub(super) struct Tombstone<'a> {
    room_id: RoomName<'a>,
    id: Id,
    seq: u64,
    epoch: u64,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    deleted_at: Timestamp,
}

/// A message has another text. `message` is empty where `unreadable` says why.
#[derive(Serialize)]
#[serde(tag = "type", rename = "edited", rename_all = "camelCase")]
pub(super) struct Edited<'a> {
    room_id: RoomName<'a>,
    id: Id,
    message: &'a str,
    user_id: User<'a>,
    seq: u64,
    epoch: u64,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    edited_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Reason>,
}

impl<'a> Edited<'a> {
    fn new(change: &'a Amendment, form: Form) -> Self {
        Self {
            room_id: room::name(&change.room, form),
            id: Id(change.target),
            message: text(change),
            user_id: User(&change.author.user),
            seq: change.position.seq,
            epoch: change.position.epoch,
            edited_at: change.at,
            unreadable: unreadable(change),
        }
    }
}

/// A message was withdrawn.
#[derive(Serialize)]
#[serde(tag = "type", rename = "deleted", rename_all = "camelCase")]
pub(super) struct Deleted<'a> {
    room_id: RoomName<'a>,
    id: Id,
    user_id: User<'a>,
    seq: u64,
    epoch: u64,
}

impl<'a> Deleted<'a> {
    fn new(change: &'a Amendment, form: Form) -> Self {
        Self {
            room_id: room::name(&change.room, form),
            id: Id(change.target),
            user_id: User(&change.author.user),
            seq: change.position.seq,
            epoch: change.position.epoch,
        }
    }
}

/// An emoji was put on a message or taken off it. `emoji` is empty where `unreadable` says why.
#[derive(Serialize)]
#[serde(tag = "type", rename = "reaction", rename_all = "camelCase")]
pub(super) struct Reaction<'a> {
    room_id: RoomName<'a>,
    id: Id,
    user_id: User<'a>,
    emoji: &'a str,
    removed: bool,
    seq: u64,
    epoch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Reason>,
}

impl<'a> Reaction<'a> {
    fn new(change: &'a Amendment, removed: bool, form: Form) -> Self {
        Self {
            room_id: room::name(&change.room, form),
            id: Id(change.target),
            user_id: User(&change.author.user),
            emoji: text(change),
            removed,
            seq: change.position.seq,
            epoch: change.position.epoch,
            unreadable: unreadable(change),
        }
    }
}

fn text(change: &Amendment) -> &str {
    change.content.as_ref().map_or("", |content| &content.text)
}

fn unreadable(change: &Amendment) -> Option<Reason> {
    change.content.as_ref().err().copied().map(Reason)
}
