//! The swarm: scripted chat clients that load a gateway and judge what they hear.
//!
//! Owns: scenarios, the clients, the verdict. Does not know the server's crates: it speaks the public wire only, so
//! that a mistake shared with the server cannot hide in shared code.
//! Invariant: every message is judged, always; there is no mode that only measures.

mod audit;
mod backoff;
mod catchup;
mod client;
mod clock;
mod connection;
mod control;
mod conversation;
mod database;
mod dialect;
mod history;
mod judge;
mod latency;
mod ledger;
mod message;
mod options;
mod outbox;
mod pace;
mod procfs;
mod progress;
mod ranges;
mod receiving;
mod report;
mod rooms;
mod run;
mod scenario;
mod seat;
mod settle;
mod socketio;
mod span;
mod steady;
mod summary;
mod tally;
mod token;
mod verdict;
mod world;

pub use control::{Control, Stage};
pub use database::DatabaseError;
pub use dialect::Language;
pub use latency::Percentiles;
pub use options::{OneOrMany, Options, ServerProcess};
pub use report::{IdleCost, ProcessCost, Report, ServerCost, Verdict};
pub use run::{SwarmError, run};
pub use scenario::{Kind, Scenario, ScenarioError, Thresholds};
pub use tally::Counters;
