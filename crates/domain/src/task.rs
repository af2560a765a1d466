//! Message types that are not built in: what their work may do.
//!
//! A type is registered beside the built-in ones, with its fields, its role and its cost; its work is a [`Task`].

use std::fmt::Debug;

use async_trait::async_trait;

use crate::ports::Published;
use crate::words::{ClientId, Content, Fault, Identity, RoomId};

/// One request of a client, read and checked, with everything that it needs.
#[async_trait]
pub trait Task: Debug + Send + Sync {
    /// Does the work. `Done` is answered with an acknowledgement. One command of a connection is under way at a time, so
    /// a slow task keeps its own client waiting and nobody else.
    async fn run(&self, client: &dyn Client) -> Result<Reply, Fault>;
}

/// What a task's client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// That it is done.
    Done,
    /// That a message was accepted, and where.
    Accepted(Published),
    /// The text of one JSON object with its own `type`; the client's mark is added.
    Text(Box<str>),
}

/// The client that a task works for.
#[async_trait]
pub trait Client: Send + Sync {
    /// Who it is.
    fn identity(&self) -> &Identity;

    /// Whether it is in the room.
    fn is_in(&self, room: &RoomId) -> bool;

    /// Publishes a message in its name, by the same rules as its own messages.
    async fn say(
        &self,
        room: &RoomId,
        content: Content,
        client_id: Option<ClientId>,
    ) -> Result<Published, Fault>;
}
