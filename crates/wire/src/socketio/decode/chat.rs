//! The vocabulary of chats: which fields each event takes, and what they must be.
//!
//! Only the fields that the event takes are looked at. Limits of texts and of uploads are the session's.

use domain::words::{
    Amend, Call, Change, Code, Command, Content, Fault, Join, MessageId, MessageType, Namespace, RoomRef,
    Say, SignalKind, UserId,
};
use uuid::Uuid;

use super::arguments::Fields;
use crate::json::{self, Value, invalid};

/// Length of a UUID with its hyphens. Other spellings are not ours.
const HYPHENATED: usize = 36;

/// `chat:join {chatId, since?, epoch?}`
pub(super) fn join(fields: &Fields<'_>) -> Result<Command, Fault> {
    Ok(Command::Join(Join {
        room: room(fields)?,
        since: json::since(fields.value("since")?.as_ref())?,
        epoch: json::epoch(fields.value("epoch")?.as_ref())?,
        history: Some(0),
        alone: false,
    }))
}

/// `chat:leave {chatId}`
pub(super) fn leave(fields: &Fields<'_>) -> Result<Command, Fault> {
    Ok(Command::Leave(room(fields)?))
}

/// `message:send {chatId, content, messageType?, clientId?, attachmentIds?, replyTo?}`
pub(super) fn send(fields: &Fields<'_>) -> Result<Command, Fault> {
    let room = room(fields)?;
    let mut content = Content::text(content(fields)?);
    content.message_type = message_type(fields)?;
    Ok(Command::Say(Say {
        room,
        content: content.replying_to(reply_to(fields)?),
        uploads: uploads(fields)?,
        client_id: json::client_id(fields.value("clientId")?)?,
    }))
}

/// `message:read {messageId, chatId}`
pub(super) fn read(fields: &Fields<'_>) -> Result<Command, Fault> {
    Ok(Command::Read { room: room(fields)?, message: message(fields)? })
}

/// `message:edit {chatId, messageId, content, clientId?}`
pub(super) fn edit(fields: &Fields<'_>) -> Result<Command, Fault> {
    amend(fields, |fields| content(fields).map(Change::Edit))
}

/// `message:delete {chatId, messageId, clientId?}`
pub(super) fn delete(fields: &Fields<'_>) -> Result<Command, Fault> {
    amend(fields, |_| Ok(Change::Delete))
}

/// `message:react {chatId, messageId, emoji, remove?, clientId?}`
pub(super) fn react(fields: &Fields<'_>) -> Result<Command, Fault> {
    amend(fields, |fields| {
        let emoji =
            json::text(fields.value("emoji")?, "emoji must be there and must be a string")?.into_owned();
        let change = if removes(fields)? { Change::Unreact } else { Change::React };
        Ok(change(emoji))
    })
}

/// `typing:start {chatId}`, `typing:stop {chatId}`
pub(super) fn writes(fields: &Fields<'_>, active: bool) -> Result<Command, Fault> {
    Ok(Command::Type { room: room(fields)?, active })
}

/// `call:signal {to, kind, data}`
pub(super) fn signal(fields: &Fields<'_>) -> Result<Command, Fault> {
    let rule = "kind must be offer, answer, ice, hangup or ring";
    let kind = json::text(fields.value("kind")?, rule)?;
    Ok(Command::Call(Call {
        to: user(fields.value("to")?)?,
        kind: SignalKind::parse(&kind).ok_or_else(|| invalid(rule))?,
        data: fields.raw("data")?.unwrap_or("null").into(),
    }))
}

fn amend(
    fields: &Fields<'_>,
    change: impl FnOnce(&Fields<'_>) -> Result<Change, Fault>,
) -> Result<Command, Fault> {
    Ok(Command::Amend(Amend {
        room: room(fields)?,
        target: message(fields)?,
        change: change(fields)?,
        client_id: json::client_id(fields.value("clientId")?)?,
    }))
}

fn room(fields: &Fields<'_>) -> Result<RoomRef, Fault> {
    let rule = "chatId must be there and must be a string or a number";
    json::named(fields.value("chatId")?, Namespace::Chat, rule)
}

fn content(fields: &Fields<'_>) -> Result<String, Fault> {
    let content = json::text(fields.value("content")?, "content must be there and must be a string")?;
    Ok(content.into_owned())
}

/// The message that is meant. One of another server, whatever its ids look like, is simply not here.
fn message(fields: &Fields<'_>) -> Result<MessageId, Fault> {
    let known = match fields.value("messageId")? {
        Some(Value::Text(id)) => uuid(&id),
        Some(Value::Whole(_) | Value::Fraction) => None,
        None | Some(Value::Null | Value::Other) => {
            return Err(invalid("messageId must be there and must be a string"));
        }
    };
    known.map(MessageId).ok_or_else(|| Fault::new(Code::NotFound, "no such message"))
}

fn message_type(fields: &Fields<'_>) -> Result<MessageType, Fault> {
    let rule = "messageType must be text, image, file or system";
    let Some(value) = optional(fields.value("messageType")?) else { return Ok(MessageType::Text) };
    MessageType::parse(&json::text(Some(value), rule)?).ok_or_else(|| invalid(rule))
}

fn reply_to(fields: &Fields<'_>) -> Result<Option<MessageId>, Fault> {
    let rule = "replyTo must be a message's id";
    let Some(value) = optional(fields.value("replyTo")?) else { return Ok(None) };
    let id = uuid(&json::text(Some(value), rule)?).ok_or_else(|| invalid(rule))?;
    Ok(Some(MessageId(id)))
}

fn uploads(fields: &Fields<'_>) -> Result<Vec<Uuid>, Fault> {
    let rule = "attachmentIds must be a list of uploads' ids";
    let Some(raw) = fields.raw("attachmentIds")?.filter(|raw| *raw != "null") else { return Ok(Vec::new()) };
    let list: Vec<Value<'_>> = serde_json::from_str(raw).map_err(|_| invalid(rule))?;
    let id = |value| uuid(&json::text(Some(value), rule)?).ok_or_else(|| invalid(rule));
    list.into_iter().map(id).collect()
}

fn removes(fields: &Fields<'_>) -> Result<bool, Fault> {
    match fields.raw("remove")? {
        Some("true") => Ok(true),
        None | Some("false" | "null") => Ok(false),
        Some(_) => Err(invalid("remove must be true or false")),
    }
}

fn user(value: Option<Value<'_>>) -> Result<UserId, Fault> {
    let id = match value {
        Some(Value::Text(id)) => UserId::text(&id),
        Some(Value::Whole(id)) => UserId::number(id),
        None | Some(Value::Fraction | Value::Null | Value::Other) => {
            return Err(invalid("to must be there and must be a string or a whole number"));
        }
    };
    id.map_err(|error| invalid(error.0))
}

fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == HYPHENATED)
}

fn optional(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| *value != Value::Null)
}
