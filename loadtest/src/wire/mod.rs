//! What the clients speak: one file a dialect, and how a connection is opened.
//!
//! Owns every byte that goes over the network. Everything after it sees `Incoming` and hands over words; nothing outside
//! of this folder knows that there are several dialects.

pub(crate) mod act;
pub(crate) mod connection;
pub(crate) mod dialect;
mod frame;
mod http;
pub(crate) mod hub;
pub(crate) mod message;
mod polling;
mod road;
pub(crate) mod rooms;
pub(crate) mod socketio;
pub(crate) mod token;
pub(crate) mod transport;
mod upgrade;
