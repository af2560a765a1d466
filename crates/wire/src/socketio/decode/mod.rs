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
use crate::types::fields::{CLIENT_ID, DATA, EMOJI, EPOCH, MESSAGE_TYPES, REMOVE, SINCE, STEP, TO, TOKEN};
use crate::types::{self, Field, Handler, Shape, Spec};
use arguments::{Argument, Arguments};

/// Reads what an event is about.
type ReadArgument = for<'a> fn(Argument<'a>) -> Result<Command, Fault>;

/// Every event that this door understands.
const TYPES: &[Handler<ReadArgument>] = &[
    Handler::new("message:send", SEND, |argument| chat::send(&argument.object()?)),
    Handler::new("send_message", LIVE_SEND, |argument| live::send(&argument.object()?)),
    Handler::new("typing:start", CHAT, |argument| chat::writes(&argument.object()?, true)),
    Handler::new("typing:stop", CHAT, |argument| chat::writes(&argument.object()?, false)),
    Handler::new("message:read", READ, |argument| chat::read(&argument.object()?)),
    Handler::new("chat:join", JOIN, |argument| chat::join(&argument.object()?)),
    Handler::new("chat:leave", CHAT, |argument| chat::leave(&argument.object()?)),
    Handler::new("join_room", LIVE_JOIN, live::join),
    Handler::new("leave_room", LIVE_LEAVE, live::leave),
    Handler::new("message:edit", EDIT, |argument| chat::edit(&argument.object()?)),
    Handler::new("message:delete", DELETE, |argument| chat::delete(&argument.object()?)),
    Handler::new("message:react", REACT, |argument| chat::react(&argument.object()?)),
    Handler::new("call:signal", SIGNAL, |argument| chat::signal(&argument.object()?)),
    Handler::new("refresh", REFRESH, refresh),
];

const CHAT_ID: Field = Field::required("chatId", "the chat's id").of(Shape::RoomName);
const ROOM_ID: Field = Field::required("roomId", "the room's name").of(Shape::RoomName);
const MESSAGE_ID: Field = Field::required("messageId", "the message's id").of(Shape::Id);

const CHAT: &[Field] = &[CHAT_ID];
const JOIN: &[Field] = &[CHAT_ID, SINCE, EPOCH];
const SEND: &[Field] = &[
    CHAT_ID,
    Field::required("content", "the text").of(Shape::Text),
    Field::optional("messageType", "what the text is; text if it is absent").of(Shape::Word(MESSAGE_TYPES)),
    CLIENT_ID,
    Field::optional("attachmentIds", "uploads' ids").of(Shape::Ids),
    Field::optional("replyTo", "the id of the message that this one answers").of(Shape::Id),
];
const READ: &[Field] = &[CHAT_ID, MESSAGE_ID];
const EDIT: &[Field] =
    &[CHAT_ID, MESSAGE_ID, Field::required("content", "the new text").of(Shape::Text), CLIENT_ID];
const DELETE: &[Field] = &[CHAT_ID, MESSAGE_ID, CLIENT_ID];
const REACT: &[Field] = &[CHAT_ID, MESSAGE_ID, EMOJI, REMOVE, CLIENT_ID];
const SIGNAL: &[Field] = &[TO, STEP, DATA];
const LIVE_JOIN: &[Field] = &[ROOM_ID.or_alone(), SINCE, EPOCH];
const LIVE_LEAVE: &[Field] = &[ROOM_ID.or_alone()];
const LIVE_SEND: &[Field] = &[ROOM_ID, Field::required("text", "the text").of(Shape::Text), CLIENT_ID];
const REFRESH: &[Field] = &[TOKEN.or_alone()];

/// What is known of every event.
pub(super) fn specs() -> impl Iterator<Item = &'static Spec> {
    TYPES.iter().map(Handler::spec)
}

/// Reads one packet.
pub(super) fn request(frame: &[u8]) -> Result<Request, Misread> {
    let packet = packet(frame).map_err(|fault| Misread { fault, reference: None })?;
    let reference = reference(&packet);
    match command(&packet) {
        Ok((handler, command)) => Ok(handler.request(command, reference)),
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

fn command(packet: &Packet<'_>) -> Result<(&'static Handler<ReadArgument>, Command), Fault> {
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

fn event(
    Arguments { name, argument }: Arguments<'_>,
) -> Result<(&'static Handler<ReadArgument>, Command), Fault> {
    let unknown = || Fault::new(Code::UnknownType, "no such event is understood here");
    let handler = types::find(TYPES, &name).ok_or_else(unknown)?;
    Ok((handler, (handler.read)(argument)?))
}

fn refresh(argument: Argument<'_>) -> Result<Command, Fault> {
    let rule = "token must be there and must be a string";
    let token = match argument {
        Argument::Bare(token) => json::text(Some(token), rule)?,
        Argument::Object(fields) => json::text(fields.value("token")?, rule)?,
    };
    Ok(Command::Refresh(token.into()))
}
