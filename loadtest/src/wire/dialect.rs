//! Which language the clients speak: the one place that knows that there are several.
//!
//! Owns what frames mean to the swarm (`Incoming`) and the choice of who reads and writes them. Everything after it is
//! the same for all clients: what goes out is text, what comes in is an `Incoming`.

use std::borrow::Cow;

use serde::Deserialize;

use crate::wire::{
    act::Act,
    hub::Hub,
    message::{Author, Heard, Run, Unreadable},
    rooms::Rooms,
    socketio::SocketIo,
};

/// What the clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Raw JSON frames over one WebSocket.
    #[default]
    Rooms,
    /// Socket.IO in the words of live rooms, over whatever `Transport` says.
    SocketIo,
    /// Raw JSON frames at the hub: a welcome, an acknowledgement of everything, many devices per user.
    Hub,
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
    /// A message of the room was changed. It takes a number in the room's order like a message does, but the history
    /// over HTTP does not list it, and nobody's outbox waits for it.
    Changed { room: Cow<'a, str>, heard: Heard, change: Change },
    /// Something that passes without a number: somebody types, or has read.
    Passing { room: Cow<'a, str> },
    /// The page that the client asked for by `Act::ScrollBack`, oldest first. What was withdrawn is in it without its
    /// author. Without `next_before` it ends at the beginning of the room.
    Page { room: Cow<'a, str>, messages: Vec<Heard>, next_before: Option<u64> },
    /// The client is out of the room and hears nothing more of it until it joins again, with what its seat says to
    /// resume. Absent: the one room that a client of this dialect is in.
    Left { room: Option<Cow<'a, str>> },
    /// A new epoch of a room.
    Resync { room: Cow<'a, str>, epoch: u64, seq: u64 },
    /// A refusal.
    Error { code: Cow<'a, str>, retry_after_ms: Option<u64> },
    /// The server will close, and wants the client back later.
    Reconnect { retry_after_ms: u64 },
    /// Nothing that the swarm judges.
    Other,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has another text.
    Edited,
    /// It was withdrawn: whoever reads it from now on finds its number and id alone.
    Deleted,
    /// Somebody reacted to it, or took that back.
    Reacted,
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
    Hub(Hub),
}

impl Dialect {
    /// `numbered`: the server gives messages positions and ids that can be judged.
    pub(crate) fn new(language: Language, run: Run, numbered: bool) -> Self {
        match language {
            Language::Rooms => Self::Rooms(Rooms { run }),
            Language::SocketIo => Self::SocketIo(SocketIo { run, numbered }),
            Language::Hub => Self::Hub(Hub { run }),
        }
    }

    /// Where a client connects.
    pub(crate) fn url(&self, address: &str, token: &str) -> String {
        match self {
            Self::Rooms(_) => format!("ws://{address}/?token={token}"),
            Self::SocketIo(_) => format!("ws://{address}/socket.io/?EIO=4&transport=websocket"),
            Self::Hub(_) => format!("ws://{address}/ws?token={token}"),
        }
    }

    /// Whether a client may join as soon as the connection stands, without being let in first.
    pub(crate) fn admits_at_once(&self) -> bool {
        match self {
            Self::Rooms(_) => true,
            Self::SocketIo(_) | Self::Hub(_) => false,
        }
    }

    /// Whether a sender learns from its own message coming back that it is accepted, also when it repeats it. Where
    /// not, there is `Incoming::Accepted`, and a message that comes back twice is a breach.
    pub(crate) fn acknowledges_by_echo(&self) -> bool {
        match self {
            Self::Rooms(_) => true,
            Self::SocketIo(_) | Self::Hub(_) => false,
        }
    }

    /// Whether a client can be in several rooms at once.
    pub(crate) fn joins_several(language: Language) -> bool {
        match language {
            Language::Rooms | Language::Hub => true,
            Language::SocketIo => false,
        }
    }

    /// What a client says to `Incoming::Greeted`; none in languages that never say it.
    pub(crate) fn introduction(&self, token: &str) -> Option<String> {
        match self {
            Self::Rooms(_) | Self::Hub(_) => None,
            Self::SocketIo(_) => Some(SocketIo::connect(token)),
        }
    }

    /// What a client says to `Incoming::Heartbeat`; none in languages that never say it.
    pub(crate) fn sign_of_life(&self) -> Option<String> {
        match self {
            Self::Rooms(_) | Self::Hub(_) => None,
            Self::SocketIo(_) => Some(SocketIo::PONG.into()),
        }
    }

    pub(crate) fn join(&self, room: &str, resume: Option<(u64, u64)>) -> String {
        match self {
            Self::Rooms(rooms) => rooms.join(room, resume),
            Self::SocketIo(socket) => socket.join(room, resume),
            Self::Hub(hub) => hub.join(room, resume),
        }
    }

    /// Joins without resuming, and asks for a page of the history where the dialect can.
    pub(crate) fn open(&self, room: &str, history: u32) -> String {
        match self {
            Self::Rooms(rooms) => rooms.open(room, history),
            Self::SocketIo(socket) => socket.join(room, None),
            Self::Hub(hub) => hub.open(room, history),
        }
    }

    pub(crate) fn chat(&self, room: &str, author: Author, text: &str) -> String {
        match self {
            Self::Rooms(rooms) => rooms.chat(room, author, text),
            Self::SocketIo(socket) => socket.chat(room, author, text),
            Self::Hub(hub) => hub.chat(room, author, text),
        }
    }

    /// How a client does something in a room that it has joined; none where the dialect has no word for it.
    pub(crate) fn act(&self, room: &str, act: Act<'_>) -> Option<String> {
        match self {
            Self::Rooms(rooms) => rooms.act(room, act),
            Self::SocketIo(socket) => socket.act(room, act),
            Self::Hub(hub) => Some(hub.act(room, act)),
        }
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, Unreadable> {
        match self {
            Self::Rooms(rooms) => rooms.read(text),
            Self::SocketIo(socket) => socket.read(text),
            Self::Hub(hub) => hub.read(text),
        }
    }
}
