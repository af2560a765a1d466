//! What is asked for: the scenario file.
//!
//! Owns the keys, their defaults and their validation.

pub(crate) mod load;
pub(crate) mod span;
