//! How nodes speak to each other: the `Broker`, `Presence` and `Journal` ports, twice.
//!
//! [`memory`] keeps everything in one process, for the embedded default and for tests; [`redis`] spreads it over a
//! cluster. One contract suite (`tests/contract.rs`) asks both the same questions.

pub mod memory;
pub mod redis;
