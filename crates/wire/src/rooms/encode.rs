//! Events and answers to frames.

use bytes::Bytes;
use domain::dialect::Answer;
use domain::words::{Event, Fault, Form, Position, RoomRef};
use serde::{Serialize, Serializer};

use crate::json::{self, Chat, ErrorFrame, Reconnect, Resync, RoomName, SHORT};

/// A room event, or nothing where these clients do not hear of it.
pub(super) fn event(event: &Event, form: Form) -> Option<Bytes> {
    if let Event::Resync { room, position } = event {
        return Some(json::frame(SHORT, &Resync::new(room, *position, form)));
    }
    chat(event, form).map(|chat| json::frame(chat.size(), &chat))
}

/// The message that an event brings, unless it is withdrawn by now.
fn chat(event: &Event, form: Form) -> Option<Chat<'_>> {
    match event {
        Event::Message(message) if message.deleted_at.is_none() => Some(Chat::new(message, form)),
        Event::Message(_)
        | Event::Edited(_)
        | Event::Deleted(_)
        | Event::Reacted(_)
        | Event::Unreacted(_)
        | Event::Resync { .. }
        | Event::Sign { .. } => None,
    }
}

/// An answer to one client.
pub(super) fn answer(answer: &Answer, reference: Option<&str>) -> Option<Bytes> {
    match answer {
        Answer::Joined { room, head, recovered, history, members, at: _ } => {
            let history = Page { events: history, form: room.form };
            Some(joined(room, *head, *recovered, history, *members))
        }
        Answer::Left { room } => Some(json::frame(SHORT, &Left { room_id: room.into() })),
        Answer::Refused(fault) => Some(refused(fault, reference)),
        Answer::Reconnect { retry_after } => Some(json::frame(SHORT, &Reconnect::new(*retry_after))),
        Answer::Accepted { .. }
        | Answer::Done
        | Answer::Welcome(_)
        | Answer::Stored { .. }
        | Answer::Expelled { .. }
        | Answer::TokenExpiring { .. }
        | Answer::History { .. }
        | Answer::Users(_)
        | Answer::Stats { .. }
        | Answer::Pong { .. }
        | Answer::Custom(_) => None,
    }
}

fn joined(room: &RoomRef, head: Position, recovered: Option<bool>, history: Page<'_>, members: u64) -> Bytes {
    let capacity = SHORT + history.size();
    let Position { seq, epoch } = head;
    json::frame(capacity, &Joined { room_id: room.into(), seq, epoch, recovered, history, members })
}

fn refused(fault: &Fault, reference: Option<&str>) -> Bytes {
    json::frame(SHORT, &ErrorFrame::new(fault, reference))
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "joined", rename_all = "camelCase")]
struct Joined<'a> {
    room_id: RoomName<'a>,
    seq: u64,
    epoch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    history: Page<'a>,
    members: u64,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "left", rename_all = "camelCase")]
struct Left<'a> {
    room_id: RoomName<'a>,
}

/// The messages among some events, as a list of the same objects that live clients see.
struct Page<'a> {
    events: &'a [Event],
    form: Form,
}

impl<'a> Page<'a> {
    fn chats(&self) -> impl Iterator<Item = Chat<'a>> + use<'a> {
        let form = self.form;
        self.events.iter().filter_map(move |event| chat(event, form))
    }

    /// How many bytes the list takes, roughly.
    fn size(&self) -> usize {
        self.chats().map(|chat| chat.size()).sum()
    }
}

impl Serialize for Page<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.chats())
    }
}
