//! What a client may ask for, in words that no dialect owns.

use super::{ClientId, Content, RoomRef};

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
}

/// Say something in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// The room.
    pub room: RoomRef,
    /// What to say; checked against the limits by the session.
    pub content: Content,
    /// The sender's own name for it.
    pub client_id: Option<ClientId>,
}

/// A request of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Join a room.
    Join(Join),
    /// Leave a room; leaving what was not joined is fine.
    Leave(RoomRef),
    /// Publish a message.
    Say(Say),
}
