//! `hub`: what clients of the hub are shown of each other.

use crate::config::effective::Effective;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "hub",
    doc: "What clients of the hub at /ws are shown of each other.",
    settings: &[
        setting(
            "hub.user_status",
            Kind::Boolean,
            "true",
            "Whether every hub connection is told who comes online and goes offline.",
        ),
        setting(
            "hub.users_shown",
            Kind::Integer(Bounds::between(1, 10_000)),
            "100",
            "Users in the list of who is online; above it the newest of them, and how many there are.",
        ),
    ],
};

/// What clients of the hub are shown of each other.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Whether coming and going is told to all.
    pub user_status: bool,
    /// Users in a list of who is online.
    pub users_shown: usize,
}

impl HubConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self { user_status: from.boolean("hub.user_status"), users_shown: from.number("hub.users_shown") }
    }
}
