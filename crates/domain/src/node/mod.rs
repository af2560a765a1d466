//! The life of one node: sessions, rooms with local members, and what lies between them.
//!
//! A message: [`Node::serve`] → `connection` → `session` → broker → `relay` → `hub` → [`Outbound`] → `connection`.
//! A join: `connection` holds the room back → `session` takes the seat → `replay` → `connection` goes live.

mod bucket;
mod connection;
mod core;
mod cursor;
mod drain;
mod history;
mod hub;
mod keeper;
mod lifetime;
mod outbound;
mod parcel;
mod patience;
mod population;
mod relay;
mod replay;
mod seats;
mod session;
#[cfg(test)]
mod testing;
mod track;
mod transport;

pub use core::{Door, Node, Ports};
pub use cursor::{Cursor, Verdict};
pub use outbound::{Class, Item, Outbound};
pub use parcel::Parcel;
pub use transport::{Gone, Inbound, Transport};

use session::Session;
