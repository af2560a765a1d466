//! `server`: what a node listens on, what it is called, how it ends.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::parse::network::Network;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "server",
    doc: "What a node listens on, what it is called and how it ends.",
    settings: &[
        setting(
            "server.listen",
            Kind::Address,
            "127.0.0.1:8080",
            "Public address: WebSocket, Socket.IO and the HTTP API.",
        ),
        setting(
            "server.admin_listen",
            Kind::Address,
            "127.0.0.1:9090",
            "Internal address: health, readiness, metrics and everything between nodes. Never put it on the internet.",
        ),
        setting(
            "server.node_name",
            Kind::OptionalName,
            "",
            "Shown in statistics and logs, and the beginning of session ids that a balancer may route by; it must \
             differ from node to node. Empty: the host name and a random part.",
        ),
        setting(
            "server.advertise",
            Kind::Text,
            "",
            "`host:port` under which the other nodes reach this one's admin_listen. A balancer that knows nothing of \
             Socket.IO sessions sends their requests to any node, and that node passes them on. Empty: admin_listen \
             itself, or this machine's own address where that listens on all of them.",
        ),
        setting(
            "server.recovery",
            Kind::Duration(Bounds::between(0, 3_600_000)),
            "2m",
            "How long a Socket.IO client that lost its connection, or its node, may come back and be given what it \
             missed by itself. 0: not at all.",
        ),
        setting(
            "server.drain",
            Kind::Duration(Bounds::between(0, 3_600_000)),
            "25s",
            "How long a node that is told to end takes to send its clients elsewhere, in waves, before it closes what \
             is left. Keep it below the grace period of whatever stops the process.",
        ),
        setting(
            "server.max_connections",
            Kind::Integer(Bounds::limit(1, 10_000_000)),
            "15000",
            "Open connections per node; more are turned away before anything is read from them. Keep it below the \
             limit of open files.",
        ),
        setting(
            "server.allowed_origins",
            Kind::Origins,
            "",
            "Web origins beside the server's own that may use a token from a cookie; also the CORS list.",
        ),
        setting(
            "server.trusted_proxies",
            Kind::Networks,
            "",
            "Networks whose X-Forwarded-For, -Proto and -Host headers are believed. From anywhere else they are \
             ignored.",
        ),
    ],
};

/// What a node listens on, what it is called, how it ends.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Public address.
    pub listen: SocketAddr,
    /// Internal address.
    pub admin_listen: SocketAddr,
    /// The configured name; see [`crate::node_name`] for what stands in where it is absent.
    pub node_name: Option<String>,
    /// Where the other nodes reach `admin_listen`; absent: the listener's own address.
    pub advertise: Option<String>,
    /// How long a lost client may come back to where it stood.
    pub recovery: Duration,
    /// How long draining may take.
    pub drain: Duration,
    /// Open connections per node.
    pub max_connections: Option<usize>,
    /// Foreign origins that may use a cookie's token, as browsers write them.
    pub allowed_origins: Vec<String>,
    /// Networks whose forwarding headers are believed.
    pub trusted_proxies: Vec<Network>,
}

impl ServerConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            listen: from.address("server.listen"),
            admin_listen: from.address("server.admin_listen"),
            node_name: from.optional_text("server.node_name"),
            advertise: from.optional_text("server.advertise"),
            recovery: from.duration("server.recovery"),
            drain: from.duration("server.drain"),
            max_connections: from.limit("server.max_connections"),
            allowed_origins: from.origins("server.allowed_origins"),
            trusted_proxies: from.networks("server.trusted_proxies"),
        }
    }
}
