//! What was promised, and whether it was kept: order, repeats, loss, and the database row by row.
//!
//! Owns the verdict on messages. Pure but for `database`, which reads.

pub(crate) mod audit;
pub(crate) mod database;
pub(crate) mod ledger;
pub(crate) mod ranges;
pub(crate) mod room;
pub(crate) mod seat;
