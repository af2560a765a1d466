//! The swarm: scripted chat clients that load a gateway and judge what they hear.
//!
//! Owns: scenarios, the clients, the verdict. Does not know the server's crates: it speaks the public wire only, so
//! that a mistake shared with the server cannot hide in shared code.
//! Invariant: every message is judged, always; there is no mode that only measures.

mod client;
mod feed;
mod fleet;
mod judge;
mod measure;
mod report;
mod run;
mod scenario;
mod wire;

pub use feed::FeedError;
pub use fleet::{
    capacity::{Ceiling, Limit, Step, search},
    parent::{Fleet, FleetError, run_fleet},
    worker::work,
};
pub use judge::database::DatabaseError;
pub use measure::{
    distribution::{Distribution, Percentiles},
    marks::Mark,
    record::{Generator, Record, Second, Timed},
    storms::{Storm, StormCost},
    tally::Counters,
    watch::MetricsEndpoint,
};
pub use report::{
    compare::{Cell, Comparison, Row, Side, compare},
    figures::{Better, Figure, figures},
    html::page,
    judged::{Bound, Judged, Unit},
    result::{IdleCost, Moment, NodePoint, NodeSeries, ProcessCost, Report, ServerCost, Verdict},
};
pub use run::{
    control::{Control, Stage},
    course::{SwarmError, run},
    options::{OneOrMany, Options, ServerProcess},
};
pub use scenario::{
    behaviour::Behaviour,
    capacity::{Capacity, Raise},
    class::{Class, Reading},
    feed::Feed,
    load::{Kind, Scenario, ScenarioError},
    phase::{Phase, Sweep},
    range::Range,
    thresholds::Thresholds,
};
pub use wire::{dialect::Language, transport::Transport};
