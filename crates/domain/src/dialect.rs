//! The seam behind which the five kinds of client stand: text to commands, events to text.
//!
//! A dialect is pure: no clock, no randomness, no await, no state.

use std::time::Duration;

use bytes::Bytes;

use crate::ports::{Attendance, Published, Tally};
use crate::words::{
    Command, Event, Fault, Form, Message, Position, Role, RoomId, RoomRef, Timestamp, UserId,
};

/// A client's own mark on a request, repeated in its answer: the text of one JSON value.
pub type Reference = Box<str>;

/// One decoded request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// The client's mark.
    pub reference: Option<Reference>,
    /// The least role that may ask for it.
    pub role: Role,
    /// How many commands it counts as.
    pub cost: u32,
}

impl Request {
    /// A request that everybody may make, and that counts as one.
    pub fn new(command: Command, reference: Option<Reference>) -> Self {
        Self { command, reference, role: Role::User, cost: 1 }
    }
}

/// A frame that is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// What is wrong with it.
    pub fault: Fault,
    /// The client's mark, where it could be read.
    pub reference: Option<Reference>,
}

/// What is said to one client alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A room is joined; the live flow begins behind this.
    Joined {
        /// The room, as the client named it.
        room: RoomRef,
        /// Everything up to here was delivered or is in `history`.
        head: Position,
        /// Whether what was missed is complete; `None`: the client did not resume.
        recovered: Option<bool>,
        /// The newest or the missed events, oldest first.
        history: Vec<Event>,
        /// Distinct users in the room, this one included.
        members: u64,
        /// When.
        at: Timestamp,
    },
    /// A room is left.
    Left {
        /// The room, as the client named it.
        room: RoomRef,
    },
    /// A durable command was accepted.
    Accepted {
        /// Its position, and the id of the message that it made or changed.
        published: Published,
    },
    /// A command without further result was done.
    Done,
    /// The connection stands; whatever it is in from the start flows from here on.
    Welcome(Box<Welcome>),
    /// Everything of a room up to here is committed in the database.
    Stored {
        /// The room, as the client named it.
        room: RoomRef,
        /// The watermark.
        through: Position,
    },
    /// The client does not belong to this room any more and has been put out.
    Expelled {
        /// The room, as the client named it.
        room: RoomRef,
    },
    /// A page of a room's history.
    History {
        /// The room, as the client named it.
        room: RoomRef,
        /// Messages as they stand now, oldest first.
        messages: Vec<Message>,
        /// What to ask below for the page before; `None`: the beginning is reached.
        next_before: Option<u64>,
    },
    /// Who is online.
    Users(Attendance),
    /// How many there are, across the cluster.
    Stats {
        /// Of all.
        tally: Tally,
        /// Distinct users in the feed that this client watches; 0 where it watches none.
        subscribers: u64,
    },
    /// The connection works.
    Pong {
        /// This node's clock.
        at: Timestamp,
    },
    /// What the work of a type that is not built in has to say: the text of one JSON object.
    Custom(Box<str>),
    /// A request was refused.
    Refused(Fault),
    /// This node is going down.
    Reconnect {
        /// How long to wait before coming back.
        retry_after: Duration,
    },
    /// The token ends soon.
    TokenExpiring {
        /// Time left.
        remaining: Duration,
    },
}

/// What a client is told when its connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The connection, as others may know it.
    pub connection: Box<str>,
    /// What the client may come back with; secret.
    pub recovery: Option<Box<str>>,
    /// Who the client is.
    pub user: UserId,
    /// Who is online, where the door shows it.
    pub attendance: Option<Attendance>,
    /// The room that the client's address named and that it is in now.
    pub room: Option<RoomRef>,
    /// What the client may do.
    pub limits: Allowance,
    /// This node's clock.
    pub at: Timestamp,
}

/// What one client may do, as it is told. Zero: no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Longest frame, in bytes.
    pub frame: usize,
    /// Longest text, in Unicode scalar values.
    pub text: usize,
    /// Rooms joined by command.
    pub rooms: usize,
    /// Commands per second, sustained.
    pub commands_per_second: u32,
    /// Commands at once.
    pub commands_burst: u32,
}

/// A stateless translator between one kind of client and the domain.
pub trait Dialect: Send + Sync {
    /// This dialect's row in a parcel's table of encodings, below [`DIALECTS`].
    fn slot(&self) -> usize;

    /// Whether a durable command with this mark is answered by [`Answer::Accepted`]; if not, a repeated one is
    /// answered with the first one's own event.
    fn acknowledges(&self, reference: Option<&str>) -> bool;

    /// Whether [`Answer::Joined`] shows its `history`; if not, what was missed goes ahead of it as frames, and a join
    /// that does not resume shows no page.
    fn inlines_history(&self) -> bool;

    /// Reads one frame.
    fn decode(&self, frame: &[u8]) -> Result<Request, Misread>;

    /// An event as this dialect's clients read it, with the room in the given form; `None`: they do not hear of it.
    fn event(&self, event: &Event, form: Form) -> Option<Bytes>;

    /// A frame of [`Self::event`] that tells the client where it stands in every one of these rooms, instead of in the
    /// event's own room alone. Only asked of dialects whose clients recover, and only for numbered events.
    fn placed(&self, frame: &Bytes, places: &[(RoomId, Position)]) -> Bytes {
        let _ = places;
        frame.clone()
    }

    /// Reads what a client that comes back says of where it stood, as [`Self::event`] or [`Self::placed`] told it.
    /// Where clients do not recover, nothing is said.
    fn places(&self, text: &str) -> Option<Vec<(RoomId, Position)>> {
        let _ = text;
        None
    }

    /// An answer as this dialect's clients read it; `None`: they do not hear of it.
    fn answer(&self, answer: &Answer, reference: Option<&str>) -> Option<Bytes>;
}

/// How many dialects a parcel has rows for.
pub const DIALECTS: usize = 5;
