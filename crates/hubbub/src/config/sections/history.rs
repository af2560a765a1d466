//! `history`: how much of the past is at hand.

use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "history",
    doc: "How much of the past is at hand.",
    settings: &[
        setting(
            "history.max_replay",
            Kind::Integer(Bounds::between(1, 100_000)),
            "1000",
            "The largest gap that a resume fills; beyond it a client gets the newest page and `recovered: false`.",
        ),
        setting(
            "history.page",
            Kind::Integer(Bounds::between(1, 100)),
            "50",
            "Messages in a page where the client does not say.",
        ),
        setting(
            "history.hot_log",
            Kind::Integer(Bounds::between(1, 1_000_000)),
            "1000",
            "Newest entries of each room that the broker keeps, so that resumes need no database.",
        ),
        setting(
            "history.hot_log_ttl",
            Kind::Duration(Bounds::between(60_000, 31_536_000_000)),
            "24h",
            "How long the broker keeps the log of a room in which nothing happens.",
        ),
    ],
};

/// How much of the past is at hand.
#[derive(Debug, Clone)]
pub struct HistoryConfig {
    /// Largest gap that a resume fills, in events.
    pub max_replay: usize,
    /// Messages of a page.
    pub page: usize,
    /// Entries of a room's hot log.
    pub hot_log: usize,
    /// Life of an idle hot log.
    pub hot_log_ttl: Duration,
}

impl HistoryConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            max_replay: from.number("history.max_replay"),
            page: from.number("history.page"),
            hot_log: from.number("history.hot_log"),
            hot_log_ttl: from.duration("history.hot_log_ttl"),
        }
    }
}
