//! Packets to commands: which events there are, and what each one takes.
//!
//! An event is a list: its name, its object, and whatever else the client passed, which nobody looks at. The
//! number by which the client asks for an acknowledgement is the mark on its request.

mod arguments;
mod chat;
mod live;

use domain::dialect::{Misread, Reference, Request};
use domain::words::{Code, Command, Fault};

use super::packet::{Kind, MAIN, Malformed, Packet};
use crate::json::{self, invalid};
use arguments::{Argument, Arguments};

/// Reads one packet.
pub(super) fn request(frame: &[u8]) -> Result<Request, Misread> {
    let packet = packet(frame).map_err(|fault| Misread { fault, reference: None })?;
    let reference = reference(&packet);
    match command(&packet) {
        Ok(command) => Ok(Request { command, reference }),
        Err(fault) => Err(Misread { fault, reference }),
    }
}

/// The number of an event here. Any other packet's number counts something else, and must not be answered.
fn reference(packet: &Packet<'_>) -> Option<Reference> {
    let is_event = matches!(packet.kind, Kind::Event | Kind::BinaryEvent) && packet.namespace == MAIN;
    packet.ack.filter(|_| is_event).map(|number| number.to_string().into())
}

fn packet(frame: &[u8]) -> Result<Packet<'_>, Fault> {
    let text = std::str::from_utf8(frame).map_err(|_| invalid("the packet is not UTF-8"))?;
    Packet::parse(text).map_err(|malformed| match malformed {
        Malformed::Kind => invalid("the packet begins with no known type"),
        Malformed::Attachments | Malformed::TooManyAttachments => {
            invalid("the packet's number of attachments cannot be read")
        }
        Malformed::Ack => invalid("the packet's number cannot be read"),
    })
}

fn command(packet: &Packet<'_>) -> Result<Command, Fault> {
    if packet.namespace != MAIN {
        return Err(invalid("no event is understood in this namespace"));
    }
    match packet.kind {
        Kind::Event => event(Arguments::read(packet.payload)?),
        Kind::BinaryEvent => Err(invalid("binary data is not understood in events")),
        Kind::Connect | Kind::Disconnect | Kind::Ack | Kind::ConnectError | Kind::BinaryAck => {
            Err(invalid("the packet is no event"))
        }
    }
}

fn event(Arguments { name, argument }: Arguments<'_>) -> Result<Command, Fault> {
    match &*name {
        "chat:join" => chat::join(&argument.object()?),
        "chat:leave" => chat::leave(&argument.object()?),
        "message:send" => chat::send(&argument.object()?),
        "message:read" => chat::read(&argument.object()?),
        "message:edit" => chat::edit(&argument.object()?),
        "message:delete" => chat::delete(&argument.object()?),
        "message:react" => chat::react(&argument.object()?),
        "typing:start" => chat::writes(&argument.object()?, true),
        "typing:stop" => chat::writes(&argument.object()?, false),
        "call:signal" => chat::signal(&argument.object()?),
        "join_room" => live::join(argument),
        "leave_room" => live::leave(argument),
        "send_message" => live::send(&argument.object()?),
        "refresh" => refresh(argument),
        _ => Err(Fault::new(Code::UnknownType, "no such event is understood here")),
    }
}

fn refresh(argument: Argument<'_>) -> Result<Command, Fault> {
    let rule = "token must be there and must be a string";
    let token = match argument {
        Argument::Bare(token) => json::text(Some(token), rule)?,
        Argument::Object(fields) => json::text(fields.value("token")?, rule)?,
    };
    Ok(Command::Refresh(token.into()))
}
