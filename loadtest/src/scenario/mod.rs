//! Scenarios: what is written in the file (`load`, `class`, `phase`, …), and what follows from it (`group`, `plan`).

pub(crate) mod behaviour;
pub(crate) mod capacity;
pub(crate) mod class;
pub(crate) mod error;
pub(crate) mod feed;
pub(crate) mod group;
pub(crate) mod load;
mod overrides;
pub(crate) mod phase;
pub(crate) mod plan;
pub(crate) mod range;
mod slice;
pub(crate) mod span;
pub(crate) mod thresholds;
mod validate;
