//! The limits of one node. Zero switches a limit off.

use std::time::Duration;

/// Every limit a session, a queue or a page obeys.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest inbound frame, in bytes.
    pub frame: usize,
    /// Longest message text, in Unicode scalar values after trimming.
    pub text: usize,
    /// Rooms that one connection may have joined by command.
    pub rooms: usize,
    /// Connections of one user across the cluster.
    pub connections_per_user: usize,
    /// What happens to one connection too many: `true` ends the oldest, `false` refuses the new one.
    pub replace_oldest: bool,
    /// Commands per second of one connection, sustained.
    pub commands_per_second: u32,
    /// Commands that may come at once.
    pub commands_burst: u32,
    /// Bad frames within a minute that close the connection.
    pub bad_frames: usize,
    /// `rate_limited` answers within a minute that close the connection.
    pub rate_limited: usize,
    /// Time between two server pings.
    pub ping_interval: Duration,
    /// Silence after which a connection is dead.
    pub ping_timeout: Duration,
    /// Frames that may wait for one client.
    pub outbound_frames: usize,
    /// Bytes that may wait for one client.
    pub outbound_bytes: usize,
    /// Longest replay, in events.
    pub max_replay: usize,
    /// Messages in a page where the client names no number.
    pub page: usize,
    /// Time that a room without local members stays subscribed.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 64 * 1024,
            text: 8192,
            rooms: 100,
            connections_per_user: 5,
            replace_oldest: false,
            commands_per_second: 20,
            commands_burst: 40,
            bad_frames: 10,
            rate_limited: 200,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(60),
            outbound_frames: 256,
            outbound_bytes: 1024 * 1024,
            max_replay: 1000,
            page: 50,
            linger: Duration::from_secs(5),
        }
    }
}
