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
    ],
};

/// Who counts as online.
#[derive(Debug, Clone)]
pub struct PresenceConfig {
    /// Life of a node's lease.
    pub lease: Duration,
    /// Wait before somebody is announced offline.
    pub offline_grace: Duration,
}

impl PresenceConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            lease: from.duration("presence.lease"),
            offline_grace: from.duration("presence.offline_grace"),
        }
    }
}
