//! What happens in a room without a number: it is not kept, and who is not there does not hear of it.

use std::sync::Arc;

use super::{Author, ConnectionId, MessageId, RoomId, Sealed, SeatChange, Timestamp, UserId};
use crate::ports::Assignment;

/// Something passing, as the broker carries it: sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passing {
    /// Where.
    pub room: RoomId,
    /// Its identity, for the seal.
    pub id: MessageId,
    /// The connection it came by.
    pub origin: Option<ConnectionId>,
    /// What it says: a [`Whisper`].
    pub body: Sealed,
}

/// What nodes tell each other in passing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whisper {
    /// Show this to the members.
    Show(Sign),
    /// In a user's own room: they belong to this room from now on, and join it where their door joins chats.
    Added(RoomId),
    /// In the room: this user does not belong to it any more and is put out at once.
    Removed(UserId),
    /// Everywhere: show this to connections, whatever they are in.
    Announce {
        /// What.
        announcement: Announcement,
        /// To which connections.
        to: Audience,
    },
    /// Everywhere: every connection of this user ends, and until this is taken back none begins. `false`: they end, and
    /// may begin again.
    Dismissed {
        /// Who.
        user: UserId,
        /// Whether they stay out.
        barred: bool,
    },
    /// Everywhere: the same as `Removed`, ahead of the room's own order. Whoever has done so says that it was `Heard`.
    PutOut {
        /// The room.
        room: RoomId,
        /// Who.
        user: UserId,
        /// What is answered.
        question: MessageId,
    },
    /// Everywhere: this node has done what the question says.
    Heard(MessageId),
    /// Everywhere: this user may come in again.
    Readmitted(UserId),
    /// Everywhere: connections by the token of this name end.
    Revoked(Arc<str>),
    /// Everywhere: connections by tokens that were issued before go on in this role.
    Assigned(Assignment),
}

/// Something said by somebody in authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// By whom.
    pub from: UserId,
    /// What.
    pub message: Box<str>,
}

/// Which connections an announcement is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// All of them.
    Everyone,
    /// All but the one that it came by.
    Others,
    /// One user's.
    User(UserId),
}

/// Something passing that members are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// Somebody writes, or has stopped. Shown to the others alone.
    Typing {
        /// Who.
        who: Author,
        /// Writes, or has stopped.
        active: bool,
    },
    /// Somebody has read up to a message.
    Read {
        /// The message.
        message: MessageId,
        /// Who.
        reader: UserId,
    },
    /// In a user's own room: somebody whom they know came online or went offline.
    Status {
        /// Who.
        who: Author,
        /// Came, or went.
        online: bool,
        /// When they were last here, once they are gone.
        last_seen: Option<Timestamp>,
    },
    /// Who is in the room now.
    Members {
        /// Some of them, or all; empty where the room is large.
        members: Vec<Author>,
        /// Distinct users.
        count: u64,
        /// Who came since this was last told; they may be in `members` as well.
        came: Vec<Author>,
        /// Who left since this was last told.
        left: Vec<Author>,
    },
    /// In the lobby: somebody came online or went offline, whoever knows them.
    Attendance {
        /// Who.
        who: Author,
        /// Came, or went.
        online: bool,
        /// Distinct users online now.
        users: u64,
    },
    /// In a feed: seats were taken or given back.
    Seats(SeatChange),
    /// Said by somebody in authority.
    Announcement(Announcement),
    /// In a user's own room: a call signal from somebody who shares a chat with them.
    Signal(Signal),
}

/// A call signal; what it says is between the two clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Who sent it.
    pub from: UserId,
    /// Which step of the call.
    pub kind: SignalKind,
    /// The text of one JSON value.
    pub data: Box<str>,
}

/// The steps of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// A session description that proposes.
    Offer,
    /// A session description that accepts.
    Answer,
    /// A candidate of the connection.
    Ice,
    /// The call is over.
    Hangup,
    /// The phone rings.
    Ring,
}

impl SignalKind {
    /// The name on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Ice => "ice",
            Self::Hangup => "hangup",
            Self::Ring => "ring",
        }
    }

    /// The kind called `name`, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Offer, Self::Answer, Self::Ice, Self::Hangup, Self::Ring]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}
