//! What the built-in types take, and what their fields must be.
//!
//! Only the fields that a type takes are looked at. Limits of texts and of uploads are the session's.

use std::borrow::Cow;

use domain::dialect::{Misread, Request};
use domain::words::{
    Amend, Call, Change, Command, Content, Fault, Join, MessageId, Role, RoomRef, Say, Scope, SignalKind,
};
use serde::de::IgnoredAny;

use super::room;
use crate::json::{self, Frame, LARGEST, Rare, Value, invalid};
use crate::types::fields::{
    CLIENT_ID, DATA, EMOJI, EPOCH, MESSAGE_TYPES, NEWEST, REMOVE, SINCE, STEP, TO, TOKEN,
};
use crate::types::{Field, Handler, ReadFrame, Registry, Shape};

/// The built-in types.
pub(crate) const TYPES: &[Handler<ReadFrame>] = &[
    Handler::new("chat", CHAT, |frame| say(frame).map(Command::Say)),
    Handler::new("typing", TYPING, typing),
    Handler::new("read", READ, read),
    Handler::new("ping", &[], |_| Ok(Command::Ping)),
    Handler::new("join_room", JOIN, |frame| join(frame).map(Command::Join)),
    Handler::new("leave_room", LEAVE, |frame| leave(frame).map(Command::Leave)),
    Handler::new("history", HISTORY, history),
    Handler::new("edit", EDIT, edit),
    Handler::new("delete", DELETE, delete),
    Handler::new("react", REACT, react),
    Handler::new("signal", SIGNAL, signal),
    Handler::new("get_users", &[], |_| Ok(Command::Users)),
    Handler::new("get_stats", &[], |_| Ok(Command::Stats)),
    Handler::new("refresh", REFRESH, refresh),
    Handler::<ReadFrame>::new("announce", ANNOUNCE, announce).for_role(Role::Admin),
];

const ROOM: Field =
    Field::required("roomId", "lobby, a key that begins with chat:, event: or room:, or a room's name")
        .of(Shape::RoomKey);
const MESSAGE_ID: Field = Field::required("id", "the message's id").of(Shape::Id);

const CHAT: &[Field] = &[
    Field::optional("roomId", "where to say it; absent: the lobby").of(Shape::RoomKey),
    Field::required("message", "the text").of(Shape::Text),
    CLIENT_ID,
    Field::optional("messageType", "what the text is; text if it is absent").of(Shape::Word(MESSAGE_TYPES)),
    Field::optional("replyTo", "the id of the message that this one answers").of(Shape::Id),
    Field::optional("attachmentIds", "uploads' ids").of(Shape::Ids),
];
const TYPING: &[Field] = &[
    Field::optional("roomId", "where; absent: the lobby").of(Shape::RoomKey),
    Field::required("active", "true at the beginning, false at the end").of(Shape::Flag),
];
const READ: &[Field] = &[ROOM, MESSAGE_ID];
const JOIN: &[Field] = &[ROOM, SINCE, EPOCH, NEWEST];
const LEAVE: &[Field] = &[Field::required("roomId", "the room").of(Shape::RoomKey).or("room")];
const HISTORY: &[Field] = &[
    ROOM,
    Field::optional("before", "the seq that the page ends before").of(Shape::Whole(0, None)),
    Field::optional("limit", "how many messages to show").of(Shape::Whole(1, Some(100))),
];
const EDIT: &[Field] =
    &[ROOM, MESSAGE_ID, Field::required("message", "the new text").of(Shape::Text), CLIENT_ID];
const DELETE: &[Field] = &[ROOM, MESSAGE_ID, CLIENT_ID];
const REACT: &[Field] = &[ROOM, MESSAGE_ID, EMOJI, REMOVE, CLIENT_ID];
const SIGNAL: &[Field] = &[TO, STEP, DATA];
const REFRESH: &[Field] = &[TOKEN];
const ANNOUNCE: &[Field] = &[
    Field::required("scope", "who is to hear it").of(Shape::Word(&["all", "others", "user", "room"])),
    Field::optional("to", "the user or the room; required where scope is one of these").of(Shape::Recipient),
    Field::required("message", "the text").of(Shape::Text),
];

/// Reads one frame.
pub(super) fn request(frame: &[u8], registry: &Registry) -> Result<Request, Misread> {
    let unmarked = |fault| Misread { fault, reference: None };
    let text = std::str::from_utf8(frame).map_err(|_| unmarked(invalid("the frame is not UTF-8")))?;
    match json::object(frame) {
        Ok(frame) => registry.request(frame, text),
        Err(fault) if is_json(text) => Err(unmarked(fault)),
        Err(_) => Ok(Request::new(Command::Say(in_lobby(text)), None)),
    }
}

/// Whether it is JSON at all, however deep and whatever its strings and numbers hold: that is never taken for a text.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn in_lobby(text: &str) -> Say {
    Say { room: room::lobby(), content: Content::text(text), uploads: Vec::new(), client_id: None }
}

fn say(mut frame: Frame<'_>) -> Result<Say, Fault> {
    let Rare { message_type, reply_to, attachment_ids, .. } = frame.rare();
    let room = room::read_or_lobby(frame.room_id)?;
    let mut content = Content::text(text(frame.message)?);
    content.message_type = json::message_type(message_type)?;
    Ok(Say {
        room,
        content: content.replying_to(json::reply_to(reply_to)?),
        uploads: json::uploads(attachment_ids.map(|raw| raw.0))?,
        client_id: json::client_id(frame.client_id)?,
    })
}

fn typing(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let rule = "active must be there and must be true or false";
    let active = json::flag(frame.rare().active.as_ref(), rule)?.ok_or_else(|| invalid(rule))?;
    Ok(Command::Type { room: room::read_or_lobby(frame.room_id)?, active })
}

fn read(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let Rare { id, .. } = frame.rare();
    Ok(Command::Read { room: named(frame.room_id)?, message: message(id)? })
}

fn join(frame: Frame<'_>) -> Result<Join, Fault> {
    let room = named(frame.room_id)?;
    let rule = "history must be a whole number from 0 to 100";
    let history = json::whole(frame.history.as_ref(), 0..=100, rule)?;
    Ok(Join {
        room,
        since: json::since(frame.since.as_ref())?,
        epoch: json::epoch(frame.epoch.as_ref())?,
        history: history.map(small),
        alone: false,
    })
}

/// Clients in the field write `room` here and `roomId` everywhere else; both are understood.
fn leave(frame: Frame<'_>) -> Result<RoomRef, Fault> {
    let room_given = frame.room.filter(|value| *value != Value::Null);
    let rule = "room or roomId must be there and must be a string or a number";
    room::read(room_given.or(frame.room_id), rule)
}

fn history(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let Rare { before, limit, .. } = frame.rare();
    let room = named(frame.room_id)?;
    let before = json::whole(before.as_ref(), 0..=LARGEST, "before must be a whole number, 0 or more")?;
    let limit = json::whole(limit.as_ref(), 1..=100, "limit must be a whole number from 1 to 100")?;
    Ok(Command::History { room, before, limit: limit.map(small) })
}

fn small(count: u64) -> usize {
    usize::try_from(count).expect("at most 100")
}

fn edit(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let text = text(frame.message.take())?.into_owned();
    let id = frame.rare().id;
    amend(frame, id, Change::Edit(text))
}

fn delete(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let id = frame.rare().id;
    amend(frame, id, Change::Delete)
}

fn react(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let Rare { id, emoji, remove, .. } = frame.rare();
    let emoji = json::text(emoji, "emoji must be there and must be a string")?.into_owned();
    let removes = json::flag(remove.as_ref(), "remove must be true or false")?.unwrap_or(false);
    amend(frame, id, if removes { Change::Unreact(emoji) } else { Change::React(emoji) })
}

fn amend(frame: Frame<'_>, id: Option<Value<'_>>, change: Change) -> Result<Command, Fault> {
    Ok(Command::Amend(Amend {
        room: named(frame.room_id)?,
        target: message(id)?,
        change,
        client_id: json::client_id(frame.client_id)?,
    }))
}

fn signal(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let Rare { to, kind, data, .. } = frame.rare();
    let rule = "kind must be offer, answer, ice, hangup or ring";
    let kind = json::text(kind, rule)?;
    Ok(Command::Call(Call {
        to: json::user(to, "to must be there and must be a string or a whole number")?,
        kind: SignalKind::parse(&kind).ok_or_else(|| invalid(rule))?,
        data: data.map_or("null", |raw| raw.0).into(),
    }))
}

fn refresh(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let token = json::text(frame.rare().token, "token must be there and must be a string")?;
    Ok(Command::Refresh(token.into()))
}

fn announce(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let Rare { scope, to, .. } = frame.rare();
    let rule = "scope must be all, others, user or room";
    let scope = match &*json::text(scope, rule)? {
        "all" => Scope::All,
        "others" => Scope::Others,
        "user" => Scope::User(json::user(to, "to must be a user's id")?),
        "room" => Scope::Room(room::read(to, "to must be a room")?),
        _ => return Err(invalid(rule)),
    };
    Ok(Command::Announce { scope, message: text(frame.message)?.into() })
}

fn named(value: Option<Value<'_>>) -> Result<RoomRef, Fault> {
    room::read(value, "roomId must be there and must be a string or a number")
}

fn text(value: Option<Value<'_>>) -> Result<Cow<'_, str>, Fault> {
    json::text(value, "message must be there and must be a string")
}

fn message(value: Option<Value<'_>>) -> Result<MessageId, Fault> {
    json::message_id(value, "id must be there and must be a string")
}
