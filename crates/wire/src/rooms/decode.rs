//! What the types of this door take, and what their fields must be.
//!
//! Only the fields that a type takes are looked at. Limits of the text itself are the session's.

use domain::dialect::{Misread, Request};
use domain::words::{Command, Content, Fault, Join, Namespace, RoomRef, Say};

use crate::json::{self, Frame, Value};
use crate::types::fields::{CLIENT_ID, EPOCH, NEWEST, SINCE};
use crate::types::{self, Field, Handler, ReadFrame, Shape};

/// Every type that this door understands.
pub(super) const TYPES: &[Handler<ReadFrame>] = &[
    Handler::new("join_room", JOIN, |frame| join(frame).map(Command::Join)),
    Handler::new("leave_room", LEAVE, |frame| leave(frame).map(Command::Leave)),
    Handler::new("chat", CHAT, |frame| say(frame).map(Command::Say)),
];

const ROOM: Field = Field::required("roomId", "the room's name").of(Shape::RoomName);

const JOIN: &[Field] = &[ROOM, SINCE, EPOCH, NEWEST];
const LEAVE: &[Field] = &[ROOM.or("room")];
const CHAT: &[Field] = &[ROOM, Field::required("message", "the text").of(Shape::Text), CLIENT_ID];

/// Reads one frame.
pub(super) fn request(frame: &[u8]) -> Result<Request, Misread> {
    let frame = json::object(frame).map_err(|fault| Misread { fault, reference: None })?;
    types::request(frame, TYPES)
}

fn join(frame: Frame<'_>) -> Result<Join, Fault> {
    let room = room(frame.room_id)?;
    let rule = "history must be a whole number from 0 to 100";
    let history = json::whole(frame.history.as_ref(), 0..=100, rule)?;
    Ok(Join {
        room,
        since: json::since(frame.since.as_ref())?,
        epoch: json::epoch(frame.epoch.as_ref())?,
        history: history.map(|count| usize::try_from(count).expect("at most 100")),
        alone: false,
    })
}

/// Clients in the field write `room` here and `roomId` everywhere else; both are understood.
fn leave(frame: Frame<'_>) -> Result<RoomRef, Fault> {
    let room_given = frame.room.filter(|value| *value != Value::Null);
    let rule = "room or roomId must be there and must be a string or a number";
    json::named(room_given.or(frame.room_id), Namespace::Room, rule)
}

fn say(frame: Frame<'_>) -> Result<Say, Fault> {
    Ok(Say {
        room: room(frame.room_id)?,
        content: Content::text(json::text(frame.message, "message must be there and must be a string")?),
        uploads: Vec::new(),
        client_id: json::client_id(frame.client_id)?,
    })
}

fn room(value: Option<Value<'_>>) -> Result<RoomRef, Fault> {
    json::named(value, Namespace::Room, "roomId must be there and must be a string or a number")
}
