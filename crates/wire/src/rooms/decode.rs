//! Frames to commands: which fields each type takes, and what they must be.
//!
//! Only the fields that the type takes are looked at. Limits of the text itself are the session's.

use domain::dialect::{Misread, Request};
use domain::words::{Code, Command, Content, Fault, Join, Namespace, RoomRef, Say};

use super::frame::Frame;
use crate::json::{self, Value};

/// Reads one frame.
pub(super) fn request(frame: &[u8]) -> Result<Request, Misread> {
    let unmarked = |fault| Misread { fault, reference: None };
    let frame: Frame<'_> = json::object(frame).map_err(unmarked)?;
    let reference = json::read_mark(frame.mark).map_err(unmarked)?;
    match command(frame) {
        Ok(command) => Ok(Request { command, reference }),
        Err(fault) => Err(Misread { fault, reference }),
    }
}

fn command(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let kind = json::text(frame.kind.take(), "type must be there and must be a string")?;
    match &*kind {
        "join_room" => join(frame).map(Command::Join),
        "leave_room" => leave(frame).map(Command::Leave),
        "chat" => say(frame).map(Command::Say),
        _ => Err(Fault::new(Code::UnknownType, "type must be join_room, leave_room or chat")),
    }
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
