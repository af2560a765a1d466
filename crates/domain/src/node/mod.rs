//! The life of one node: sessions, rooms with local members, and what lies between them.
//!
//! A message: [`Node::serve`] → `connection` → `session` → broker → `relay` → `hub` → [`Outbound`] → `connection`.
//! A join: `connection` holds the room back → `session` takes the seat → `replay` → `connection` goes live.

mod amend;
mod announcing;
mod attendance;
mod bars;
mod bucket;
mod connection;
mod core;
mod cursor;
mod desk;
mod doings;
mod drain;
mod errand;
mod export;
mod feeds;
mod hearing;
mod history;
mod hub;
mod keeper;
mod lifetime;
mod lookup;
mod membership;
mod news;
mod opener;
mod opening;
mod outbound;
mod outbox;
mod pacer;
mod parcel;
mod patience;
mod population;
mod purse;
mod recovery;
mod relay;
mod replay;
mod revalidation;
mod roster;
mod seats;
mod serving;
mod session;
mod slots;
#[cfg(test)]
mod testing;
mod track;
mod transport;
mod typists;
mod unsealed;
mod watermark;
mod whisper;

pub use core::{Door, Node, Ports, Resume, Visitor};
pub use cursor::{Cursor, Verdict};
pub use export::Export;
pub use outbound::{Class, Item, Outbound};
pub use parcel::{Parcel, Skips};
pub use transport::{Gone, Inbound, Transport};

use session::Session;
