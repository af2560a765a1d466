//! The edge: sockets, tokens, doors, the HTTP API and the pages.
//!
//! Owns everything that speaks HTTP or WebSocket. Owns no rule of a room and no word of a dialect:
//! a connection is handed to the node together with its door's dialect, and that is all.

mod accept;
mod api;
mod auth;
mod doors;
pub mod engineio;
mod gateway;
mod handshake;
mod health;
mod page;
mod peers;
mod problem;
mod router;
mod seldom;
pub mod socketio;
mod socketio_door;
mod telemetry;
mod websocket;

pub use accept::{AcceptOptions, run};
pub use api::openapi_json;
pub use auth::{
    AccountOptions, AuthError, AuthOptions, Authenticator, Barred, Denied, JwksError, KeySource, Network,
    SHORTEST_SECRET,
};
pub use gateway::{Doors, EventsDoor, Gateway};
pub use peers::Peers;
pub use router::{admin_router, router, worker_router};
pub use socketio_door::SocketIoDoors;
pub use websocket::WebSocket;
