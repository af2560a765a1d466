//! Engine.IO sessions and Socket.IO clients over real sockets: what the official suites demand and is easy
//! to lose, and what they do not ask.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod client;
mod clients;
mod polling;
mod server;
mod upgrade;
mod websocket;

use std::time::Duration;

/// Waits under a timeout: everything that a test waits for must happen within this time.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it happens in time")
}
