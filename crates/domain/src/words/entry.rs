//! A durable event as the broker, the journal and the store carry it: sealed.

use std::sync::Arc;

use bytes::Bytes;

use super::{ClientId, ConnectionId, KeyId, MessageId, Position, RoomId, Timestamp, UserId};

/// Which durable change an entry is. Every kind takes a seq of its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A new message; `body` is its content.
    Message,
    /// New text for `target`; `body` is the new content.
    Edit,
    /// `target` is withdrawn; `body` is empty.
    Delete,
    /// `author` puts an emoji (the content's text) on `target`.
    React,
    /// `author` takes an emoji (the content's text) off `target`.
    Unreact,
}

impl Kind {
    /// The name in journals and databases.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::React => "react",
            Self::Unreact => "unreact",
        }
    }

    /// The kind called `name`, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Message, Self::Edit, Self::Delete, Self::React, Self::Unreact]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// Who did it, as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The user.
    pub user: UserId,
    /// The name to show, where the token or the directory has one.
    pub name: Option<Arc<str>>,
}

/// Sealed content: ciphertext, or plain bytes where no key is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key opens it; `None`: not sealed.
    pub key: Option<KeyId>,
    /// The bytes.
    pub bytes: Bytes,
}

/// A durable event that has no position yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Where.
    pub room: RoomId,
    /// Its identity, made by the accepting node.
    pub id: MessageId,
    /// What it does.
    pub kind: Kind,
    /// The message that it changes; `None` for a new message.
    pub target: Option<MessageId>,
    /// Who did it.
    pub author: Author,
    /// The sender's own name for it, for deduplication by (user, room, clientId).
    pub client_id: Option<ClientId>,
    /// The accepting node's clock.
    pub sent_at: Timestamp,
    /// The connection it came by; `None` for server calls. Rooms without echo skip it.
    pub origin: Option<ConnectionId>,
    /// What it says.
    pub body: Sealed,
}

/// A durable event with its place in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, stamped by the broker and nobody else.
    pub position: Position,
    /// What was accepted.
    pub draft: Draft,
}
