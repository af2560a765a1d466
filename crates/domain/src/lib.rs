//! The core of Hubbub: the words, the rules, and the life of one node.
//!
//! Owns what is true for every dialect, every broker and every store. It names no
//! dialect, no Redis, no SQL and no HTTP; the compiler keeps them out (invariant 1).
//!
//! Read [`ports`] first, then follow one message through `node/`: session → [`ports::Broker`] → relay → hub →
//! [`node::Outbound`] → connection.

pub mod dialect;
pub mod node;
pub mod ports;
pub mod rotation;
pub mod seal;
pub mod security;
pub mod task;
pub mod words;

pub use words::*;
