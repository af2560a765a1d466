//! `persister`: how the worker writes the journal to the database.

use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "persister",
    doc: "How the worker writes the journal to the database.",
    settings: &[
        setting(
            "persister.batch",
            Kind::Integer(Bounds::between(1, 10_000)),
            "2000",
            "Messages that are read and written at a time; from 500 on in two transactions side by side.",
        ),
        setting(
            "persister.linger",
            Kind::Duration(Bounds::between(0, 10_000)),
            "15ms",
            "How long a batch waits to fill.",
        ),
        setting(
            "persister.lease",
            Kind::Duration(Bounds::between(500, 600_000)),
            "10s",
            "How long the shards of a worker that died stay unwritten before another takes them.",
        ),
        setting(
            "persister.name",
            Kind::OptionalName,
            "",
            "The worker's name in logs and leases; it must differ from worker to worker. Empty: the host name and a \
             random part.",
        ),
    ],
};

/// How the worker writes the journal to the database.
#[derive(Debug, Clone)]
pub struct PersisterConfig {
    /// Messages that are read and written at a time.
    pub batch: usize,
    /// Wait for a batch to fill.
    pub linger: Duration,
    /// Life of a shard's lease.
    pub lease: Duration,
    /// The configured name; see [`crate::node_name`] for what stands in where it is absent.
    pub name: Option<String>,
}

impl PersisterConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            batch: from.number("persister.batch"),
            linger: from.duration("persister.linger"),
            lease: from.duration("persister.lease"),
            name: from.optional_text("persister.name"),
        }
    }
}
