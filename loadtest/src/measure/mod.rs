//! What it took: latency, counters, CPU and memory of servers.
//!
//! Owns figures. Never decides whether they are good enough: that is `report::verdict`.

pub(crate) mod clock;
pub(crate) mod distribution;
pub(crate) mod exposition;
pub(crate) mod latency;
pub(crate) mod marks;
pub(crate) mod procfs;
pub(crate) mod record;
pub(crate) mod recorder;
pub(crate) mod steady;
pub(crate) mod storms;
pub(crate) mod tally;
pub(crate) mod watch;
