//! What a client does besides saying something: the words that all dialects share, as far as they have them.
//!
//! Owns the list. How each is said is the dialect's; a dialect without a word for it says so with `None`.

/// One thing that a client does in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act<'a> {
    /// Begins or stops typing.
    Typing(bool),
    /// Has read up to this message.
    Read { seq: u64, id: u128 },
    /// Reacts to a message with this emoji, or takes it back.
    React { seq: u64, id: u128, emoji: &'a str },
    /// Changes a message of their own.
    Edit { seq: u64, id: u128, text: &'a str },
    /// Withdraws a message of their own.
    Delete { seq: u64, id: u128 },
    /// Asks for up to `limit` messages before this position.
    ScrollBack { before: u64, limit: usize },
    /// Leaves the room, to come back later.
    Leave,
}
