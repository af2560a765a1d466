//! `broker`: how messages pass between nodes and wait for the persister.

use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "broker",
    doc: "How messages pass between nodes and wait for the persister.",
    settings: &[
        setting(
            "broker.journal_max_length",
            Kind::Integer(Bounds::limit(1, 1_000_000_000)),
            "1000000",
            "Messages of one shard that may wait for the persister. At this length durable commands are answered with \
             `overloaded`; nothing is dropped. 0 lets the journal grow until Redis is full.",
        ),
        setting(
            "broker.batch",
            Kind::Integer(Bounds::between(1, 1_000)),
            "64",
            "Messages of one shard that are published in one step at most.",
        ),
        setting(
            "broker.dedupe_window",
            Kind::Duration(Bounds::between(1_000, 31_536_000_000)),
            "24h",
            "How long the broker recognises a repeated `clientId`; the database does so for ever.",
        ),
        setting(
            "broker.unsubscribe_linger",
            Kind::Duration(Bounds::between(0, HOUR)),
            "5s",
            "How long a node stays subscribed to a room that its last member left, for the client that comes right \
             back.",
        ),
    ],
};

const HOUR: u64 = 3_600_000;

/// How messages pass between nodes and wait for the persister.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Entries of a shard's journal at which senders are told to wait; `None`: never.
    pub journal_max_length: Option<u64>,
    /// Messages published in one step.
    pub batch: usize,
    /// How long a client id is remembered.
    pub dedupe_window: Duration,
    /// How long an abandoned subscription is kept.
    pub unsubscribe_linger: Duration,
}

impl BrokerConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            journal_max_length: from.limit("broker.journal_max_length"),
            batch: from.number("broker.batch"),
            dedupe_window: from.duration("broker.dedupe_window"),
            unsubscribe_linger: from.duration("broker.unsubscribe_linger"),
        }
    }
}
