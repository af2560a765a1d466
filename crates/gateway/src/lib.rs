//! The edge: sockets, tokens, doors, the HTTP API and the pages.
//!
//! Owns everything that speaks HTTP or WebSocket. Owns no rule of a room and no word of a dialect:
//! a connection is handed to the node together with its door's dialect, and that is all.

mod accept;
mod api;
mod auth;
mod doors;
mod gateway;
mod handshake;
mod health;
mod page;
mod problem;
mod router;
mod telemetry;
mod websocket;

pub use accept::{AcceptOptions, run};
pub use auth::{
    AuthError, AuthOptions, Authenticator, Denied, JwksError, KeySource, Network, SHORTEST_SECRET,
};
pub use gateway::Gateway;
pub use router::{admin_router, router, worker_router};
pub use websocket::WebSocket;
