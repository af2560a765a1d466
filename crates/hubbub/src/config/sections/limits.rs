//! `limits`: what one connection and one user may take. 0 switches a limit off.

use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::setting::{Bounds, Kind, Section, setting};

/// Largest count that makes sense for anything counted here.
const MANY: u64 = 1_000_000;
const MEBIBYTE: u64 = 1 << 20;
const HOUR: u64 = 3_600_000;

pub(crate) static SECTION: Section = Section {
    name: "limits",
    doc: "What one connection and one user may take. 0 switches a limit off.",
    settings: &[
        setting(
            "limits.frame",
            Kind::Size(Bounds::limit(256, 64 * MEBIBYTE)),
            "64KiB",
            "Largest frame or request body of a client; a larger WebSocket frame closes the connection with 1009.",
        ),
        setting(
            "limits.text",
            Kind::Integer(Bounds::limit(1, 64 * MEBIBYTE)),
            "8192",
            "Longest message text, in Unicode scalar values after trimming.",
        ),
        setting(
            "limits.rooms_per_connection",
            Kind::Integer(Bounds::limit(1, MANY)),
            "100",
            "Rooms that one connection may have joined at a time.",
        ),
        setting(
            "limits.max_connections_per_user",
            Kind::Integer(Bounds::limit(1, MANY)),
            "5",
            "Connections of one user across all nodes and doors.",
        ),
        setting(
            "limits.on_too_many_connections",
            Kind::Choice(&["refuse_new", "replace_oldest"]),
            "refuse_new",
            "What gives way when a user has too many connections: the new one or the oldest one.",
        ),
        setting(
            "limits.commands_per_second",
            Kind::Integer(Bounds::limit(1, MANY)),
            "20",
            "Commands per second of one connection, and published messages per second of one user across all nodes.",
        ),
        setting(
            "limits.commands_burst",
            Kind::Integer(Bounds::limit(1, MANY)),
            "40",
            "How many commands may come at once after a pause.",
        ),
        setting(
            "limits.handshakes_per_address",
            Kind::Integer(Bounds::limit(1, MANY)),
            "0",
            "WebSocket and Socket.IO handshakes of one address in a second on each node, ten times as many at once; one more \
             is answered 429. Behind a balancer `server.trusted_proxies` must name it, or all clients are one address.",
        ),
        setting(
            "limits.handshake",
            Kind::Duration(Bounds::limit(100, HOUR)),
            "10s",
            "How long a client may take from the accepted connection to a finished handshake.",
        ),
        setting(
            "limits.ping_interval",
            Kind::Duration(Bounds::limit(100, HOUR)),
            "25s",
            "How often the server pings a connection.",
        ),
        setting(
            "limits.ping_timeout",
            Kind::Duration(Bounds::limit(100, HOUR)),
            "60s",
            "Silence after which a connection counts as dead.",
        ),
        setting(
            "limits.outbound_frames",
            Kind::Integer(Bounds::limit(8, MANY)),
            "256",
            "Frames that may wait for one client; from half of it on typing and presence are dropped, beyond it the \
             connection is closed with 4008 and may resume.",
        ),
        setting(
            "limits.outbound_bytes",
            Kind::Size(Bounds::limit(1024, 1024 * MEBIBYTE)),
            "1MiB",
            "Bytes that may wait for one client, with the same consequences.",
        ),
        setting(
            "limits.bad_frames",
            Kind::Integer(Bounds::limit(1, MANY)),
            "10",
            "Bad frames within a minute after which the connection is closed with 4500.",
        ),
        setting(
            "limits.rate_limited_frames",
            Kind::Integer(Bounds::limit(1, MANY)),
            "200",
            "Frames refused as `rate_limited` within a minute after which the connection is closed with 4429.",
        ),
    ],
};

/// Limits of connections and users. As in `domain`, zero switches a limit off.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Bytes of one frame or request body.
    pub frame: usize,
    /// Unicode scalar values of one text.
    pub text: usize,
    /// Rooms of one connection.
    pub rooms_per_connection: usize,
    /// Connections of one user across the cluster.
    pub max_connections_per_user: usize,
    /// Who gives way.
    pub on_too_many_connections: OnTooManyConnections,
    /// Commands per second.
    pub commands_per_second: u32,
    /// Commands at once.
    pub commands_burst: u32,
    /// Handshakes of one address in a second.
    pub handshakes_per_address: u32,
    /// Time until the handshake is finished.
    pub handshake: Duration,
    /// Time between pings.
    pub ping_interval: Duration,
    /// Silence that means dead.
    pub ping_timeout: Duration,
    /// Frames waiting for one client.
    pub outbound_frames: usize,
    /// Bytes waiting for one client.
    pub outbound_bytes: usize,
    /// Bad frames within a minute.
    pub bad_frames: usize,
    /// Rate-limited frames within a minute.
    pub rate_limited_frames: usize,
}

/// Who gives way when a user has too many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTooManyConnections {
    /// The new connection is refused.
    RefuseNew,
    /// The oldest connection is closed.
    ReplaceOldest,
}

impl LimitsConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        let replace = from.text("limits.on_too_many_connections") == "replace_oldest";
        Self {
            frame: from.number("limits.frame"),
            text: from.number("limits.text"),
            rooms_per_connection: from.number("limits.rooms_per_connection"),
            max_connections_per_user: from.number("limits.max_connections_per_user"),
            on_too_many_connections: if replace {
                OnTooManyConnections::ReplaceOldest
            } else {
                OnTooManyConnections::RefuseNew
            },
            commands_per_second: from.number("limits.commands_per_second"),
            commands_burst: from.number("limits.commands_burst"),
            handshakes_per_address: from.number("limits.handshakes_per_address"),
            handshake: from.duration("limits.handshake"),
            ping_interval: from.duration("limits.ping_interval"),
            ping_timeout: from.duration("limits.ping_timeout"),
            outbound_frames: from.number("limits.outbound_frames"),
            outbound_bytes: from.number("limits.outbound_bytes"),
            bad_frames: from.number("limits.bad_frames"),
            rate_limited_frames: from.number("limits.rate_limited_frames"),
        }
    }
}
