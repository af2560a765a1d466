//! A durable event before it is sealed, and the one place where it becomes a draft.

use bytes::Bytes;

use crate::ports::Sealer;
use crate::words::{
    Author, ClientId, ConnectionId, Content, Draft, Kind, MessageId, RoomId, Sealed, Timestamp,
};

/// A durable event before it is sealed.
pub(super) struct Unsealed {
    /// Where.
    pub(super) room: RoomId,
    /// Its identity.
    pub(super) id: MessageId,
    kind: Kind,
    /// The message that it changes.
    pub(super) target: Option<MessageId>,
    /// `None`: nothing is said, and the body is empty.
    pub(super) content: Option<Content>,
    /// The sender's own name for it.
    pub(super) client_id: Option<ClientId>,
}

impl Unsealed {
    pub(super) fn new(room: RoomId, kind: Kind, content: Option<Content>) -> Self {
        Self { room, id: MessageId::new(), kind, target: None, content, client_id: None }
    }

    /// The same, under the sender's own name for it.
    pub(super) fn named(self, client_id: Option<ClientId>) -> Self {
        Self { client_id, ..self }
    }

    /// The same, changing an earlier message.
    pub(super) fn changing(self, target: MessageId) -> Self {
        Self { target: Some(target), ..self }
    }

    /// In somebody's name, now. `origin`: the connection that it came by.
    pub(super) fn seal(self, sealer: &dyn Sealer, author: Author, origin: Option<ConnectionId>) -> Draft {
        let Self { room, id, kind, target, content, client_id } = self;
        // An edit's body becomes its message's body in the database, so it is sealed under the message's id.
        let bound_to = if kind == Kind::Edit { target.unwrap_or(id) } else { id };
        let body = match content {
            Some(content) => sealer.seal(&room, bound_to, &content.to_bytes()),
            None => Sealed { key: None, bytes: Bytes::new() },
        };
        Draft { body, room, id, kind, target, author, client_id, sent_at: Timestamp::now(), origin }
    }
}
