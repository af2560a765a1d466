//! The vocabulary of live rooms. A room id is always a bare name in the namespace `room`.
//!
//! A client's own further fields of `send_message` are carried as they were written. A socket is in one live room at a
//! time: joining one leaves the others.

use domain::words::{Command, Content, Fault, Join, Namespace, RoomRef, Say};

use super::arguments::{Argument, Fields};
use crate::json::{self, Value};

/// `join_room R`, `join_room {roomId: R, since?, epoch?}`
pub(super) fn join(argument: Argument<'_>) -> Result<Command, Fault> {
    let (room, since, epoch) = match argument {
        Argument::Bare(value) => (named(Some(value))?, None, None),
        Argument::Object(fields) => {
            let room = named(fields.value("roomId")?)?;
            let since = json::since(fields.value("since")?.as_ref())?;
            (room, since, json::epoch(fields.value("epoch")?.as_ref())?)
        }
    };
    Ok(Command::Join(Join { room, since, epoch, history: Some(0), alone: true }))
}

/// `leave_room R`, `leave_room {roomId: R}`
pub(super) fn leave(argument: Argument<'_>) -> Result<Command, Fault> {
    let room = match argument {
        Argument::Bare(value) => Some(value),
        Argument::Object(fields) => fields.value("roomId")?,
    };
    named(room).map(Command::Leave)
}

/// `send_message {roomId, text, clientId?, …}`
pub(super) fn send(fields: &Fields<'_>) -> Result<Command, Fault> {
    let room = named(fields.value("roomId")?)?;
    let rule = "text must be there and must be a string";
    let mut content = Content::text(json::text(fields.value("text")?, rule)?);
    content.extra = fields.without(&["roomId", "text", "clientId"]);
    Ok(Command::Say(Say {
        room,
        content,
        uploads: Vec::new(),
        client_id: json::client_id(fields.value("clientId")?)?,
    }))
}

fn named(room: Option<Value<'_>>) -> Result<RoomRef, Fault> {
    json::named(room, Namespace::Room, "roomId must be there and must be a string or a number")
}
