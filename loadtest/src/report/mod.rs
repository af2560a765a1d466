//! What is told: while it runs, at the end, and as JSON.
//!
//! Owns words and shapes of results, and the thresholds' verdict.

pub(crate) mod compare;
pub(crate) mod compare_table;
pub(crate) mod compose;
pub(crate) mod figures;
pub(crate) mod glimpse;
pub(crate) mod html;
pub(crate) mod judged;
pub(crate) mod progress;
pub(crate) mod result;
pub(crate) mod summary;
pub(crate) mod verdict;
