//! The swarm: scripted chat clients that load a gateway and judge what they hear.
//!
//! Owns: scenarios, the clients, the verdict. Does not know the server's crates: it speaks the public wire only, so
//! that a mistake shared with the server cannot hide in shared code.
//! Invariant: every message is judged, always; there is no mode that only measures.

mod client;
mod judge;
mod measure;
mod report;
mod run;
mod scenario;
mod wire;

pub use judge::database::DatabaseError;
pub use measure::{latency::Percentiles, tally::Counters};
pub use report::result::{IdleCost, ProcessCost, Report, ServerCost, Verdict};
pub use run::{
    control::{Control, Stage},
    course::{SwarmError, run},
    options::{OneOrMany, Options, ServerProcess},
};
pub use scenario::load::{Kind, Scenario, ScenarioError, Thresholds};
pub use wire::dialect::Language;
