//! The limits of one node. Zero switches a limit off.

use std::time::Duration;

use crate::dialect::Allowance;
use crate::ports::Rate;

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
    /// Wait before somebody is announced offline.
    pub offline_grace: Duration,
    /// Time between two showings of a room's members.
    pub members_pause: Duration,
    /// Members shown; above it only their number is. 0: never more than the number.
    pub members_shown: usize,
    /// Time that a client which lost its connection may come back and be given what it missed. 0: not at all.
    pub recovery: Duration,
    /// Time after the last start at which somebody is no longer shown as writing.
    pub typing: Duration,
    /// Time between two watermarks of a room.
    pub stored_pause: Duration,
    /// Users shown in a list of who is online; above it the newest, and their number.
    pub users_shown: usize,
    /// Whether the lobby is told who comes online and goes offline.
    pub user_status: bool,
    /// Largest upload, in bytes.
    pub upload: u64,
    /// Time between two looks at whether those who are connected still may be. 0: only when it is told.
    pub revalidation: Duration,
}

impl Limits {
    /// How fast one connection, or one user across the cluster, may send.
    pub fn rate(&self) -> Rate {
        Rate { per_second: self.commands_per_second, burst: self.commands_burst.max(1) }
    }

    /// What one client may do, as it is told.
    pub fn allowance(&self) -> Allowance {
        Allowance {
            frame: self.frame,
            text: self.text,
            rooms: self.rooms,
            commands_per_second: self.commands_per_second,
            commands_burst: self.commands_burst,
        }
    }
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
            offline_grace: Duration::from_secs(3),
            members_pause: Duration::from_millis(250),
            members_shown: 100,
            recovery: Duration::from_secs(120),
            typing: Duration::from_secs(6),
            stored_pause: Duration::from_millis(250),
            users_shown: 100,
            user_status: true,
            upload: 10 * 1024 * 1024,
            revalidation: Duration::from_secs(30),
        }
    }
}
