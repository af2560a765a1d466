//! The vocabulary of chats: which fields each event takes, and what they must be.
//!
//! Only the fields that the event takes are looked at. Limits of texts and of uploads are the session's.

use domain::words::{
    Amend, Call, Change, Command, Content, Fault, Join, MessageId, Namespace, RoomRef, Say, SignalKind,
};

use super::arguments::Fields;
use crate::json::{self, invalid};

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
    content.message_type = json::message_type(fields.value("messageType")?)?;
    Ok(Command::Say(Say {
        room,
        content: content.replying_to(json::reply_to(fields.value("replyTo")?)?),
        uploads: json::uploads(fields.raw("attachmentIds")?)?,
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
        let removes = json::flag(fields.value("remove")?.as_ref(), "remove must be true or false")?;
        let change = if removes.unwrap_or(false) { Change::Unreact } else { Change::React };
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
        to: json::user(fields.value("to")?, "to must be there and must be a string or a whole number")?,
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

fn message(fields: &Fields<'_>) -> Result<MessageId, Fault> {
    json::message_id(fields.value("messageId")?, "messageId must be there and must be a string")
}
