//! How Socket.IO packets travel. Owns the choice alone.

use serde::Deserialize;

/// What carries the packets of a Socket.IO client. The raw dialects have a WebSocket and no choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// One WebSocket from the start.
    #[default]
    WebSocket,
    /// HTTP requests from first to last: a poll that hangs, and posts beside it.
    Polling,
    /// What stock clients do: begin with polling, try a WebSocket, and change over to it.
    Upgrade,
}
