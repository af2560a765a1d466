//! `presence`: who counts as online.

use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "presence",
    doc: "Who counts as online.",
    settings: &[
        setting(
            "presence.lease",
            Kind::Duration(Bounds::between(500, 600_000)),
            "10s",
            "How long a node that died is still counted, with everyone on it.",
        ),
        setting(
            "presence.offline_grace",
            Kind::Duration(Bounds::between(0, 600_000)),
            "3s",
            "How long `offline` waits, so that a reconnect is not seen as leaving and coming.",
        ),
        setting(
            "presence.members_shown",
            Kind::Integer(Bounds::between(0, 10_000)),
            "100",
            "The members of a room are listed to it up to this number; above it, only how many there are.",
        ),
    ],
};

/// Who counts as online.
#[derive(Debug, Clone)]
pub struct PresenceConfig {
    /// Life of a node's lease.
    pub lease: Duration,
    /// Wait before somebody is announced offline.
    pub offline_grace: Duration,
    /// Members listed to a room.
    pub members_shown: usize,
}

impl PresenceConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            lease: from.duration("presence.lease"),
            offline_grace: from.duration("presence.offline_grace"),
            members_shown: from.number("presence.members_shown"),
        }
    }
}
