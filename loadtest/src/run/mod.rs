//! One run from the first connection to the report.
//!
//! Owns the order of things, and what all clients of a run share.

pub(crate) mod conductor;
pub(crate) mod control;
pub(crate) mod course;
pub(crate) mod herd;
pub(crate) mod options;
pub(crate) mod settle;
pub(crate) mod world;
