//! What a message says: the part that is sealed before it leaves the process.
//!
//! Encoded as MessagePack with named fields, so that a field added later is skipped by
//! an older node and defaulted by a newer one during a rolling upgrade.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{MessageId, Unreadable};

/// The kind of a message's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    /// Plain text.
    #[default]
    Text,
    /// An image, in the attachments.
    Image,
    /// A file, in the attachments.
    File,
    /// Written by a service.
    System,
}

impl MessageType {
    /// The name on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::File => "file",
            Self::System => "system",
        }
    }

    /// The type called `name`, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Text, Self::Image, Self::File, Self::System].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// An uploaded file as a message shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The upload.
    pub id: Uuid,
    /// The file's name.
    pub name: String,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What a durable event says, in the clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The text, as sent. An edit's new text; a reaction's emoji.
    #[serde(rename = "t")]
    pub text: String,
    /// What the text is.
    #[serde(rename = "k", default, skip_serializing_if = "is_default")]
    pub message_type: MessageType,
    /// The message it answers.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Uuid>,
    /// Uploads shown with it.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The client's own further fields: the text of one JSON object.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Box<str>>,
}

fn is_default(kind: &MessageType) -> bool {
    *kind == MessageType::default()
}

impl Content {
    /// Plain text and nothing else.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The message it answers.
    pub fn reply_to(&self) -> Option<MessageId> {
        self.reply_to.map(MessageId)
    }

    /// The same content, answering `message`.
    #[must_use]
    pub fn replying_to(self, message: Option<MessageId>) -> Self {
        Self { reply_to: message.map(|id| id.0), ..self }
    }

    /// About how many bytes it takes as JSON, escapes included; never less than a dialect writes for it.
    pub fn weight(&self) -> usize {
        let attachment =
            |attachment: &Attachment| 160 + escaped(&attachment.name) + escaped(&attachment.media_type);
        let extra = self.extra.as_deref().map_or(0, str::len);
        escaped(&self.text) + extra + self.attachments.iter().map(attachment).sum::<usize>()
    }

    /// The bytes that are sealed.
    pub fn to_bytes(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("strings, numbers and lists always encode")
    }

    /// Reads what [`Self::to_bytes`] wrote, on this node or another version of it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        rmp_serde::from_slice(bytes).map_err(|_| Unreadable::Damaged)
    }
}

/// The length of a text as a JSON string.
fn escaped(text: &str) -> usize {
    let length = |byte: u8| match byte {
        0..=0x1f => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_survives_its_encoding() {
        let content = Content { extra: Some(r#"{"a":1}"#.into()), ..Content::text("grüße") }
            .replying_to(Some(MessageId::new()));
        assert_eq!(Content::from_bytes(&content.to_bytes()), Ok(content));
    }

    #[test]
    fn content_of_a_newer_version_is_read_without_its_new_fields() {
        #[derive(Serialize)]
        struct Newer {
            t: &'static str,
            z: u8,
        }
        let bytes = rmp_serde::to_vec_named(&Newer { t: "hello", z: 1 }).unwrap();
        assert_eq!(Content::from_bytes(&bytes), Ok(Content::text("hello")));
    }

    #[test]
    fn control_characters_weigh_what_their_escapes_do() {
        assert_eq!(Content::text("a\u{1}\"\\").weight(), 1 + 6 + 2 + 2);
    }

    #[test]
    fn damaged_content_is_unreadable_and_never_panics() {
        assert_eq!(Content::from_bytes(&[0xff, 0x00]), Err(Unreadable::Damaged));
        assert_eq!(Content::from_bytes(&[]), Err(Unreadable::Damaged));
    }
}
