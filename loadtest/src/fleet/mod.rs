//! Several processes for one run, and several runs for one answer.
//!
//! Owns the parent that divides a scenario among processes and pronounces one verdict, the worker that each of them is,
//! the words between them, and the capacity search over whole runs. Does not own what a client does or what is judged.
//! Invariant: rooms are never divided, so that what one process judges it judges completely.

pub(crate) mod capacity;
pub(crate) mod climb;
mod crew;
pub(crate) mod limits;
mod orders;
pub(crate) mod parent;
mod shown;
pub(crate) mod worker;
