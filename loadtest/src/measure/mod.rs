//! What it took: latency, counters, CPU and memory of servers.
//!
//! Owns figures. Never decides whether they are good enough: that is `report::verdict`.

pub(crate) mod clock;
pub(crate) mod latency;
pub(crate) mod procfs;
pub(crate) mod steady;
pub(crate) mod tally;
