//! Users, chats and who takes part in them, as the directory keeps them.

use std::sync::Arc;

use super::{Author, Role, RoomId, Timestamp, UserId};
use crate::ports::StoredMessage;

/// A user of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: UserId,
    /// The name to show.
    pub name: Arc<str>,
    /// What they may do.
    pub role: Role,
    /// Whether they may not come in any more.
    pub disabled: bool,
}

/// What a participant is to a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// May put others out.
    Owner,
    /// An ordinary participant.
    Member,
}

impl Part {
    /// The name on every wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }
}

/// Somebody who takes part in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Who.
    pub who: Author,
    /// As what.
    pub part: Part,
    /// The newest message that they have read was sent then.
    pub last_read_at: Option<Timestamp>,
}

/// A chat, as one of its participants sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Its room, `chat:{id}`.
    pub room: RoomId,
    /// Its title.
    pub title: Option<String>,
    /// Whether it is the one chat between two users.
    pub direct: bool,
    /// Everybody in it, oldest participant first.
    pub participants: Vec<Participant>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Messages of others behind the reader's cursor, counted up to [`Chat::UNREAD_CAP`].
    pub unread: u64,
    /// The newest message that is not withdrawn.
    pub last_message: Option<StoredMessage>,
}

impl Chat {
    /// Unread messages are counted up to here.
    pub const UNREAD_CAP: u64 = 100;
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its id.
    pub user: UserId,
    /// The name to log in by.
    pub name: String,
    /// Where mail reaches them.
    pub email: Option<String>,
    /// The password's hash, in PHC string format.
    pub password_hash: String,
}

/// A chat to be made.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// Its room, `chat:{id}`.
    pub room: RoomId,
    /// Its title.
    pub title: Option<String>,
    /// Who makes it, and owns it.
    pub owner: UserId,
    /// The others, without the owner.
    pub others: Vec<UserId>,
    /// Whether it is the one chat between owner and the one other.
    pub direct: bool,
}
