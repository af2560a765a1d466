//! What belongs to one run on one machine and not to the scenario: secrets, the database, process ids.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{measure::watch::MetricsEndpoint, run::control::Control};

/// A server process whose CPU and memory are measured (with its descendants).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerProcess {
    /// Its role. Roles that begin with `persister` or `postgres` are reported beside the total, all others in it.
    pub role: String,
    /// Its process id.
    pub pid: u32,
}

/// One pid or several, as scenarios write them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// `gateway = 123`
    One(u32),
    /// `gateway = [123, 124]`
    Many(Vec<u32>),
}

impl OneOrMany {
    pub(crate) fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(pid) => std::slice::from_ref(pid),
            Self::Many(pids) => pids,
        }
    }
}

/// How to run a scenario here and now.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The HS256 secret that the tokens are signed with.
    pub secret: String,
    /// `postgres://…` or `sqlite://FILE` for the final audit; absent: no database audit.
    pub database: Option<String>,
    /// Shell commands by the name of the fault that they make, for the scenario's phases of kind `fault`.
    pub faults: BTreeMap<String, String>,
    /// Server processes to measure, besides those of the scenario.
    pub processes: Vec<ServerProcess>,
    /// Servers whose `/metrics` is read once a second.
    pub metrics: Vec<MetricsEndpoint>,
    /// Shown on stderr while the run goes on: redrawn lines on a terminal, otherwise one plain line every 5 s.
    pub progress: bool,
    /// The handle by which somebody outside watches or ends the run.
    pub control: Control,
}
