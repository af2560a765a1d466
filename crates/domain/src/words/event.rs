//! What a client may be shown, in the clear. A dialect turns it into text.

use super::{Author, ClientId, Content, MessageId, Position, RoomId, Sign, Timestamp};

/// Why a sealed body could not be read. Shown to clients in place of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No configured key has its key id.
    #[error("key_missing")]
    KeyMissing,
    /// The key does not fit, or the bytes were changed.
    #[error("key_wrong")]
    KeyWrong,
    /// It opened, but is not a content.
    #[error("damaged")]
    Damaged,
}

/// A message as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its room.
    pub room: RoomId,
    /// Its place.
    pub position: Position,
    /// Its identity.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// The sender's own name for it.
    pub client_id: Option<ClientId>,
    /// When it was accepted.
    pub sent_at: Timestamp,
    /// When its text last changed.
    pub edited_at: Option<Timestamp>,
    /// When it was withdrawn; then `content` is empty.
    pub deleted_at: Option<Timestamp>,
    /// What it says, or why that cannot be read.
    pub content: Result<Content, Unreadable>,
}

/// A durable change to an earlier message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// The room of both.
    pub room: RoomId,
    /// The change's own place.
    pub position: Position,
    /// The message that it changes.
    pub target: MessageId,
    /// Who changed it.
    pub author: Author,
    /// When.
    pub at: Timestamp,
    /// The new text, or the emoji; empty for a deletion.
    pub content: Result<Content, Unreadable>,
}

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A new message.
    Message(Message),
    /// A message has new text.
    Edited(Amendment),
    /// A message was withdrawn.
    Deleted(Amendment),
    /// An emoji was put on a message.
    Reacted(Amendment),
    /// An emoji was taken off a message.
    Unreacted(Amendment),
    /// The broker lost or may have lost something: a new epoch begins, and the next event is `position.next()`.
    Resync {
        /// The room that it concerns.
        room: RoomId,
        /// Directly before the new epoch's first event.
        position: Position,
    },
    /// Something without a place in the room's order.
    Sign {
        /// The room that it concerns.
        room: RoomId,
        /// What is to be seen.
        sign: Sign,
    },
}

impl Event {
    /// The room.
    pub fn room(&self) -> &RoomId {
        match self {
            Self::Message(message) => &message.room,
            Self::Edited(change)
            | Self::Deleted(change)
            | Self::Reacted(change)
            | Self::Unreacted(change) => &change.room,
            Self::Resync { room, .. } | Self::Sign { room, .. } => room,
        }
    }

    /// The place in the room's order: the event's own, or for a resync where the order goes on; a sign has none.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Message(message) => Some(message.position),
            Self::Edited(change)
            | Self::Deleted(change)
            | Self::Reacted(change)
            | Self::Unreacted(change) => Some(change.position),
            Self::Resync { position, .. } => Some(*position),
            Self::Sign { .. } => None,
        }
    }
}
