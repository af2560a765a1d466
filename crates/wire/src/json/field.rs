//! Fields that mean the same in every dialect: which values they take, and the words of a refusal.

use domain::words::{ClientId, Code, Fault, MessageId, MessageType, UserId};
use uuid::Uuid;

use super::{LARGEST, Value, invalid, text, whole};

/// Length of a UUID with its hyphens. Other spellings are not ours.
const HYPHENATED: usize = 36;

/// `clientId`: the sender's own name for a command.
pub(crate) fn client_id(value: Option<Value<'_>>) -> Result<Option<ClientId>, Fault> {
    let Some(value) = optional(value) else { return Ok(None) };
    let id = text(Some(value), "clientId must be a string")?;
    ClientId::parse(&id).map(Some).map_err(|error| invalid(error.0))
}

/// `since`: the number of the last event that the client has.
pub(crate) fn since(value: Option<&Value<'_>>) -> Result<Option<u64>, Fault> {
    whole(value, 0..=LARGEST, "since must be a whole number, 0 or more")
}

/// `epoch`: the epoch of `since`.
pub(crate) fn epoch(value: Option<&Value<'_>>) -> Result<Option<u64>, Fault> {
    whole(value, 1..=LARGEST, "epoch must be a whole number, 1 or more")
}

/// A message that is meant. One of another server, whatever its ids look like, is simply not here.
pub(crate) fn message_id(value: Option<Value<'_>>, rule: &'static str) -> Result<MessageId, Fault> {
    let known = match value {
        Some(Value::Text(id)) => uuid(&id),
        Some(Value::Whole(_) | Value::Fraction) => None,
        None | Some(Value::Null | Value::Boolean(_) | Value::Other) => return Err(invalid(rule)),
    };
    known.map(MessageId).ok_or_else(|| Fault::new(Code::NotFound, "no such message"))
}

/// `messageType`: what a message's text is.
pub(crate) fn message_type(value: Option<Value<'_>>) -> Result<MessageType, Fault> {
    let rule = "messageType must be text, image, file or system";
    let Some(value) = optional(value) else { return Ok(MessageType::Text) };
    MessageType::parse(&text(Some(value), rule)?).ok_or_else(|| invalid(rule))
}

/// `replyTo`: the message that one answers.
pub(crate) fn reply_to(value: Option<Value<'_>>) -> Result<Option<MessageId>, Fault> {
    let rule = "replyTo must be a message's id";
    let Some(value) = optional(value) else { return Ok(None) };
    let id = uuid(&text(Some(value), rule)?).ok_or_else(|| invalid(rule))?;
    Ok(Some(MessageId(id)))
}

/// `attachmentIds`, as it was written: uploads to be shown with a message.
pub(crate) fn uploads(raw: Option<&str>) -> Result<Vec<Uuid>, Fault> {
    let rule = "attachmentIds must be a list of uploads' ids";
    let Some(raw) = raw.filter(|raw| *raw != "null") else { return Ok(Vec::new()) };
    let list: Vec<Value<'_>> = serde_json::from_str(raw).map_err(|_| invalid(rule))?;
    let id = |value| uuid(&text(Some(value), rule)?).ok_or_else(|| invalid(rule));
    list.into_iter().map(id).collect()
}

/// A field that may be absent or null, and else must be `true` or `false`.
pub(crate) fn flag(value: Option<&Value<'_>>, rule: &'static str) -> Result<Option<bool>, Fault> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Boolean(flag)) => Ok(Some(*flag)),
        Some(Value::Text(_) | Value::Whole(_) | Value::Fraction | Value::Other) => Err(invalid(rule)),
    }
}

/// A user, by an id of either type.
pub(crate) fn user(value: Option<Value<'_>>, rule: &'static str) -> Result<UserId, Fault> {
    let id = match value {
        Some(Value::Text(id)) => UserId::text(&id),
        Some(Value::Whole(id)) => UserId::number(id),
        None | Some(Value::Fraction | Value::Null | Value::Boolean(_) | Value::Other) => {
            return Err(invalid(rule));
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
