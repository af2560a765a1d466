//! A message as the HTTP API shows it.

use domain::words::{Attachment, Message, MessageId, Timestamp, UserId};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: String,
    seq: u64,
    epoch: u64,
    room_id: &'a str,
    #[serde(serialize_with = "user")]
    user_id: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    /// A withdrawn message has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    attachments: &'a [Attachment],
    sent_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<&'a RawValue>,
    /// Why the text cannot be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

/// One JSON object.
pub(crate) fn encode(message: &Message) -> String {
    let mut shown = Shown {
        id: message.id.to_string(),
        seq: message.position.seq,
        epoch: message.position.epoch,
        room_id: message.room.key(),
        user_id: &message.author.user,
        username: message.author.name.as_deref(),
        message: None,
        message_type: None,
        client_id: message.client_id.as_ref().map(|id| id.as_str()),
        reply_to: None,
        attachments: &[],
        sent_at: time(message.sent_at),
        edited_at: message.edited_at.map(time),
        deleted_at: message.deleted_at.map(time),
        extra: None,
        unreadable: None,
    };
    match &message.content {
        _ if message.deleted_at.is_some() => {}
        Ok(content) => {
            shown.message = Some(&content.text);
            shown.message_type = Some(content.message_type.as_str());
            shown.reply_to = content.reply_to().as_ref().map(MessageId::to_string);
            shown.attachments = &content.attachments;
            shown.extra = content.extra.as_deref().and_then(|text| serde_json::from_str(text).ok());
        }
        Err(reason) => {
            shown.message = Some("");
            shown.message_type = Some("text");
            shown.unreadable = Some(reason.to_string());
        }
    }
    serde_json::to_string(&shown).expect("strings, numbers and lists always encode")
}

/// In the type of the user's own token.
fn user<S: Serializer>(user: &&UserId, serializer: S) -> Result<S::Ok, S::Error> {
    match user.as_str().parse::<i64>() {
        Ok(number) if user.is_numeric() => serializer.serialize_i64(number),
        _ => serializer.serialize_str(user.as_str()),
    }
}

fn time(at: Timestamp) -> String {
    placeholder_time(at)
}

fn placeholder_time(at: Timestamp) -> String {
    format!("{}", at.0)
}
