//! What a client may ask for, in words that no dialect owns.

use std::sync::Arc;

use uuid::Uuid;

use super::{ClientId, Content, MessageId, RoomRef, SignalKind, UserId};
use crate::task::Task;

/// Join a room, perhaps catching up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The room.
    pub room: RoomRef,
    /// Replay everything after this seq; wins over `history`.
    pub since: Option<u64>,
    /// The epoch of `since`; absent: the current one is assumed.
    pub epoch: Option<u64>,
    /// How many of the newest messages to show, 0 to 100; absent: the configured page.
    pub history: Option<usize>,
    /// Leave every other room of this namespace that was joined by command first.
    pub alone: bool,
}

/// Say something in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// The room.
    pub room: RoomRef,
    /// What to say; checked against the limits by the session.
    pub content: Content,
    /// Uploads to show with it.
    pub uploads: Vec<Uuid>,
    /// The sender's own name for it.
    pub client_id: Option<ClientId>,
}

/// What is done to an earlier message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Give it this text.
    Edit(String),
    /// Withdraw it.
    Delete,
    /// Put this emoji on it.
    React(String),
    /// Take this emoji off it.
    Unreact(String),
}

/// Change an earlier message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amend {
    /// The room of both.
    pub room: RoomRef,
    /// The message.
    pub target: MessageId,
    /// What is done to it.
    pub change: Change,
    /// The sender's own name for the change.
    pub client_id: Option<ClientId>,
}

/// Send a call signal to another user's connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The other user.
    pub to: UserId,
    /// Which step.
    pub kind: SignalKind,
    /// The text of one JSON value.
    pub data: Box<str>,
}

/// Whom an announcement is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every connection.
    All,
    /// Every connection but the one that it came by.
    Others,
    /// Every connection of one user.
    User(UserId),
    /// Everybody in a room.
    Room(RoomRef),
}

/// Work of a message type that is not built in. Two are equal when they are the same one.
#[derive(Debug, Clone)]
pub struct Custom(pub Arc<dyn Task>);

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for Custom {}

/// A request of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Join a room.
    Join(Join),
    /// Leave a room; leaving what was not joined is fine.
    Leave(RoomRef),
    /// Publish a message.
    Say(Say),
    /// Change an earlier message.
    Amend(Amend),
    /// Everything up to this message is read.
    Read {
        /// The message's room.
        room: RoomRef,
        /// The message.
        message: MessageId,
    },
    /// Begin or stop to write.
    Type {
        /// Where.
        room: RoomRef,
        /// Begin, or stop.
        active: bool,
    },
    /// Send a call signal.
    Call(Call),
    /// Go on with this token.
    Refresh(Box<str>),
    /// Show a page of a room's history.
    History {
        /// The room.
        room: RoomRef,
        /// Only what stands below this seq.
        before: Option<u64>,
        /// Messages in the page, 1 to 100; absent: the configured page.
        limit: Option<usize>,
    },
    /// Say who is online.
    Users,
    /// Say how many there are.
    Stats,
    /// Announce something.
    Announce {
        /// To whom.
        scope: Scope,
        /// What.
        message: Box<str>,
    },
    /// Say that the connection works, and what time it is.
    Ping,
    /// Do what a message type of the embedder's own wants.
    Custom(Custom),
}
