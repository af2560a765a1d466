//! A message as the HTTP API shows it.

use domain::words::{Attachment, Message, MessageId, UserId};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;
use wire::rfc3339;

use super::openapi::{AnyUserId, Moment};

/// A message, with its current text.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub(crate) struct Shown<'a> {
    #[schema(value_type = Uuid)]
    id: String,
    /// Its place in the room, within an epoch without gaps.
    #[schema(minimum = 1)]
    seq: u64,
    #[schema(minimum = 1)]
    epoch: u64,
    /// The room's key.
    #[schema(example = "room:lounge")]
    room_id: &'a str,
    #[schema(value_type = AnyUserId)]
    user_id: Id<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    username: Option<&'a str>,
    /// A withdrawn message has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = MessageKind, required = false)]
    message_type: Option<&'static str>,
    /// The sender's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 64)]
    client_id: Option<&'a str>,
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Uuid, required = false)]
    reply_to: Option<String>,
    #[schema(value_type = Vec<File>)]
    attachments: &'a [Attachment],
    #[schema(value_type = Moment)]
    sent_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    edited_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    deleted_at: Option<String>,
    /// The further fields that the sender gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    extra: Option<&'a RawValue>,
    /// Why the text cannot be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    unreadable: Option<String>,
}

/// The kinds of a text.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "a shape for the document; the domain names the kinds")]
enum MessageKind {
    Text,
    Image,
    File,
    System,
}

/// An uploaded file.
#[derive(ToSchema)]
#[schema(as = Attachment)]
#[allow(dead_code, reason = "a shape for the document; the domain has the value")]
pub(super) struct File {
    id: Uuid,
    name: String,
    /// Its media type.
    r#type: String,
    /// In bytes.
    size: u64,
}

/// One JSON object.
pub(crate) fn encode(message: &Message) -> String {
    let mut shown = Shown {
        id: message.id.to_string(),
        seq: message.position.seq,
        epoch: message.position.epoch,
        room_id: message.room.key(),
        user_id: Id(&message.author.user),
        username: message.author.name.as_deref(),
        message: None,
        message_type: None,
        client_id: message.client_id.as_ref().map(|id| id.as_str()),
        reply_to: None,
        attachments: &[],
        sent_at: rfc3339(message.sent_at),
        edited_at: message.edited_at.map(rfc3339),
        deleted_at: message.deleted_at.map(rfc3339),
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

/// A user id in the type of the user's own token.
pub(crate) struct Id<'a>(pub(crate) &'a UserId);

impl Serialize for Id<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_str().parse::<i64>() {
            Ok(number) if self.0.is_numeric() => serializer.serialize_i64(number),
            Ok(_) | Err(_) => serializer.serialize_str(self.0.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::words::{Author, ClientId, Content, MessageType, Position, RoomId, Timestamp, Unreadable};
    use serde_json::{Value, json};

    use super::*;

    fn message() -> Message {
        Message {
            room: RoomId::parse("room:lounge").unwrap(),
            position: Position { epoch: 2, seq: 9 },
            id: MessageId::new(),
            author: Author { user: UserId::text("anna").unwrap(), name: None },
            client_id: None,
            sent_at: Timestamp(0),
            edited_at: None,
            deleted_at: None,
            content: Ok(Content::text("hello")),
        }
    }

    fn shown(message: &Message) -> Value {
        let mut shown: Value = serde_json::from_str(&encode(message)).unwrap();
        assert_eq!(shown.as_object_mut().unwrap().remove("id"), Some(json!(message.id.to_string())));
        shown
    }

    #[test]
    fn a_plain_message_shows_what_it_has_and_nothing_else() {
        let expected = json!({"seq": 9, "epoch": 2, "roomId": "room:lounge", "userId": "anna", "message": "hello",
            "messageType": "text", "attachments": [], "sentAt": "1970-01-01T00:00:00.000Z"});
        assert_eq!(shown(&message()), expected);
    }

    #[test]
    fn a_full_message_shows_everything() {
        let (reply, upload) = (MessageId::new(), MessageId::new().0);
        let file = Attachment { id: upload, name: "a.png".into(), media_type: "image/png".into(), size: 3 };
        let mut content = Content::text("look");
        content.message_type = MessageType::Image;
        content.attachments = vec![file];
        content.extra = Some(r#"{"mood": 1}"#.into());
        let full = Message {
            author: Author { user: UserId::number(-7).unwrap(), name: Some("Ann".into()) },
            client_id: Some(ClientId::parse("c1").unwrap()),
            edited_at: Some(Timestamp(1_763_661_600_123)),
            content: Ok(content.replying_to(Some(reply))),
            ..message()
        };
        let expected = json!({"seq": 9, "epoch": 2, "roomId": "room:lounge", "userId": -7, "username": "Ann",
            "message": "look", "messageType": "image", "clientId": "c1", "replyTo": reply.to_string(),
            "attachments": [{"id": upload.to_string(), "name": "a.png", "type": "image/png", "size": 3}],
            "sentAt": "1970-01-01T00:00:00.000Z", "editedAt": "2025-11-20T18:00:00.123Z", "extra": {"mood": 1}});
        assert_eq!(shown(&full), expected);
    }

    #[test]
    fn a_withdrawn_message_has_no_text() {
        let mut content = Content::text("secret");
        content.extra = Some("{}".into());
        let withdrawn = shown(&Message { deleted_at: Some(Timestamp(1)), content: Ok(content), ..message() });
        assert_eq!(withdrawn["deletedAt"], "1970-01-01T00:00:00.001Z");
        for absent in ["message", "messageType", "extra", "editedAt"] {
            assert!(withdrawn.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let unreadable = shown(&Message { content: Err(Unreadable::KeyMissing), ..message() });
        assert_eq!((&unreadable["message"], &unreadable["unreadable"]), (&json!(""), &json!("key_missing")));
    }

    #[test]
    fn a_numeric_id_is_a_number_only_where_the_token_had_one() {
        for (user, expected) in
            [(UserId::number(7).unwrap(), json!(7)), (UserId::text("7").unwrap(), json!("7"))]
        {
            let author = Author { user, name: None };
            assert_eq!(shown(&Message { author, ..message() })["userId"], expected);
        }
    }
}
