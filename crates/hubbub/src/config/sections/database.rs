//! `database`: where history is kept.

use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::parse::url::ServiceUrl;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "database",
    doc: "The database keeps history, accounts, chats, events and bookings.",
    settings: &[
        setting(
            "database.url",
            Kind::Url(&["postgres", "postgresql", "sqlite"]),
            "",
            "Where the database is. Needed by the gateway, the persister and migrate; `hubbub dev` keeps its own \
             SQLite file.",
        ),
        setting(
            "database.max_connections",
            Kind::Integer(Bounds::between(1, 1_000)),
            "8",
            "Connections that one process keeps at most.",
        ),
        setting(
            "database.acquire_timeout",
            Kind::Duration(Bounds::between(10, 60_000)),
            "3s",
            "How long a request waits for a free connection before it is answered with an error.",
        ),
    ],
};

/// Where history is kept.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Where the database is.
    pub url: Option<ServiceUrl>,
    /// Connections of one process.
    pub max_connections: u32,
    /// Longest wait for a connection.
    pub acquire_timeout: Duration,
}

impl DatabaseConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            url: from.url("database.url"),
            max_connections: from.number("database.max_connections"),
            acquire_timeout: from.duration("database.acquire_timeout"),
        }
    }
}
