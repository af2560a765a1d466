//! From text to values: one file per notation, all pure, all tested by tables beside the code.
//!
//! Invariant: an [`Unfit`](super::mistake::Unfit) says what was expected and never repeats the value.

pub(crate) mod address;
pub(crate) mod duration;
pub(crate) mod keys;
pub(crate) mod name;
pub(crate) mod network;
pub(crate) mod origin;
pub(crate) mod size;
pub(crate) mod url;
