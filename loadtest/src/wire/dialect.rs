//! Which language the clients speak: the one place that knows that there are several.
//!
//! Owns what frames mean to the swarm (`Incoming`) and the choice of who reads and writes them. Everything after it is
//! the same for all clients: what goes out is text, what comes in is an `Incoming`.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    wire::message::{Author, Heard, Run, Unreadable},
    wire::rooms::Rooms,
    wire::socketio::SocketIo,
};

/// What the clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Raw JSON frames over one WebSocket.
    #[default]
    Rooms,
    /// Socket.IO over a WebSocket, in the words of live rooms.
    SocketIo,
}

/// What a server frame means to the swarm.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// The transport stands: the client says who it is.
    Greeted,
    /// The client is let in, and may join.
    Admitted,
    /// The client is not let in, for this reason.
    Barred { code: Cow<'a, str> },
    /// The server parts from the client for good.
    Dismissed,
    /// The server wants a sign of life.
    Heartbeat,
    /// A message of the room.
    Chat { room: Cow<'a, str>, heard: Heard },
    /// A join is done.
    Joined { room: Cow<'a, str>, seq: u64, epoch: u64, recovered: Option<bool>, history: Vec<Heard> },
    /// The client's own message of this number is accepted.
    Accepted { number: u32, accepted: Accepted },
    /// A new epoch of a room.
    Resync { room: Cow<'a, str>, epoch: u64, seq: u64 },
    /// A refusal.
    Error { code: Cow<'a, str>, retry_after_ms: Option<u64> },
    /// The server will close, and wants the client back later.
    Reconnect { retry_after_ms: u64 },
    /// Nothing that the swarm judges.
    Other,
}

/// What an acknowledgement says about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) seq: u64,
    pub(crate) id: u128,
    /// Not every server says it.
    pub(crate) epoch: Option<u64>,
}

/// A language, bound to one run.
#[derive(Debug, Clone)]
pub(crate) enum Dialect {
    Rooms(Rooms),
    SocketIo(SocketIo),
}

impl Dialect {
    /// `numbered`: the server gives messages positions and ids that can be judged.
    pub(crate) fn new(language: Language, run: Run, numbered: bool) -> Self {
        match language {
            Language::Rooms => Self::Rooms(Rooms { run }),
            Language::SocketIo => Self::SocketIo(SocketIo { run, numbered }),
        }
    }

    /// Where a client connects.
    pub(crate) fn url(&self, address: &str, token: &str) -> String {
        match self {
            Self::Rooms(_) => format!("ws://{address}/?token={token}"),
            Self::SocketIo(_) => format!("ws://{address}/socket.io/?EIO=4&transport=websocket"),
        }
    }

    /// Whether a client may join as soon as the connection stands, without being let in first.
    pub(crate) fn admits_at_once(&self) -> bool {
        match self {
            Self::Rooms(_) => true,
            Self::SocketIo(_) => false,
        }
    }

    /// Whether a sender learns from its own message coming back that it is accepted, also when it repeats it. Where
    /// not, there is `Incoming::Accepted`, and a message that comes back twice is a breach.
    pub(crate) fn acknowledges_by_echo(&self) -> bool {
        match self {
            Self::Rooms(_) => true,
            Self::SocketIo(_) => false,
        }
    }

    /// Whether a client can be in several rooms at once.
    pub(crate) fn joins_several(language: Language) -> bool {
        match language {
            Language::Rooms => true,
            Language::SocketIo => false,
        }
    }

    /// What a client says to `Incoming::Greeted`; none in languages that never say it.
    pub(crate) fn introduction(&self, token: &str) -> Option<String> {
        match self {
            Self::Rooms(_) => None,
            Self::SocketIo(_) => Some(SocketIo::connect(token)),
        }
    }

    /// What a client says to `Incoming::Heartbeat`; none in languages that never say it.
    pub(crate) fn sign_of_life(&self) -> Option<String> {
        match self {
            Self::Rooms(_) => None,
            Self::SocketIo(_) => Some(SocketIo::PONG.into()),
        }
    }

    pub(crate) fn join(&self, room: &str, resume: Option<(u64, u64)>) -> String {
        match self {
            Self::Rooms(rooms) => rooms.join(room, resume),
            Self::SocketIo(socket) => socket.join(room, resume),
        }
    }

    pub(crate) fn chat(&self, room: &str, author: Author, text: &str) -> String {
        match self {
            Self::Rooms(rooms) => rooms.chat(room, author, text),
            Self::SocketIo(socket) => socket.chat(room, author, text),
        }
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, Unreadable> {
        match self {
            Self::Rooms(rooms) => rooms.read(text),
            Self::SocketIo(socket) => socket.read(text),
        }
    }
}
