//! `namespace.…`: what may be configured of each namespace's policy.

use crate::config::effective::Effective;
use crate::config::setting::{Kind, Section, Setting, setting};

const DURABLE: &str = "Whether messages are numbered, kept in history and replayed on resume.";
const ECHO: &str = "Whether a message comes back to the connection that sent it.";

const fn durable(key: &'static str, default: &'static str) -> Setting {
    setting(key, Kind::Boolean, default, DURABLE)
}

const fn echo(key: &'static str, default: &'static str) -> Setting {
    setting(key, Kind::Boolean, default, ECHO)
}

pub(crate) static ROOM: Section = Section {
    name: "namespace.room",
    doc: "Open rooms: any authenticated user joins, those who joined publish.",
    settings: &[durable("namespace.room.durable", "true"), echo("namespace.room.echo_to_sender", "true")],
};

pub(crate) static CHAT: Section = Section {
    name: "namespace.chat",
    doc: "Chats: the participants in the database join and publish.",
    settings: &[durable("namespace.chat.durable", "true"), echo("namespace.chat.echo_to_sender", "true")],
};

pub(crate) static EVENT: Section = Section {
    name: "namespace.event",
    doc: "Events: any authenticated user listens, services publish; the booking row is the durable fact.",
    settings: &[durable("namespace.event.durable", "false"), echo("namespace.event.echo_to_sender", "true")],
};

pub(crate) static LOBBY: Section = Section {
    name: "namespace.lobby",
    doc: "The lobby: joined at connect, everyone publishes.",
    settings: &[durable("namespace.lobby.durable", "true"), echo("namespace.lobby.echo_to_sender", "false")],
};

pub(crate) static USER: Section = Section {
    name: "namespace.user",
    doc: "A user's own connections: the server publishes, and peers their call signals.",
    settings: &[durable("namespace.user.durable", "false"), echo("namespace.user.echo_to_sender", "true")],
};

/// The configurable part of every namespace's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamespaceConfig {
    /// Open rooms.
    pub room: NamespacePolicy,
    /// Chats of participants.
    pub chat: NamespacePolicy,
    /// Events.
    pub event: NamespacePolicy,
    /// The lobby.
    pub lobby: NamespacePolicy,
    /// A user's own connections.
    pub user: NamespacePolicy,
}

/// The configurable part of one namespace's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamespacePolicy {
    /// Whether messages are numbered, kept and replayed.
    pub durable: bool,
    /// Whether the sending connection hears its own message.
    pub echo_to_sender: bool,
}

impl NamespaceConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        let policy = |durable: &str, echo: &str| NamespacePolicy {
            durable: from.boolean(durable),
            echo_to_sender: from.boolean(echo),
        };
        Self {
            room: policy("namespace.room.durable", "namespace.room.echo_to_sender"),
            chat: policy("namespace.chat.durable", "namespace.chat.echo_to_sender"),
            event: policy("namespace.event.durable", "namespace.event.echo_to_sender"),
            lobby: policy("namespace.lobby.durable", "namespace.lobby.echo_to_sender"),
            user: policy("namespace.user.durable", "namespace.user.echo_to_sender"),
        }
    }
}
