//! What is told: while it runs, at the end, and as JSON.
//!
//! Owns words and shapes of results, and the thresholds' verdict.

pub(crate) mod progress;
pub(crate) mod result;
pub(crate) mod summary;
pub(crate) mod verdict;
