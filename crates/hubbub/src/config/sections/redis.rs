//! `redis`: how nodes reach each other.

use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::parse::url::ServiceUrl;
use crate::config::setting::{Bounds, Kind, Section, setting};

/// Standalone, TLS, Sentinel and Cluster.
const SCHEMES: &[&str] =
    &["redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster"];

pub(crate) static SECTION: Section = Section {
    name: "redis",
    doc: "Redis carries messages between nodes. `hubbub dev` does without it.",
    settings: &[
        setting(
            "redis.url",
            Kind::Url(SCHEMES),
            "",
            "Where Redis is: one server, Sentinel or Cluster. Needed by the gateway and the persister.",
        ),
        setting(
            "redis.shards",
            Kind::Integer(Bounds::between(1, 1024)),
            "16",
            "Into how many shards rooms are hashed. Fixed by the first start against an empty Redis and checked ever \
             after.",
        ),
        setting(
            "redis.command_timeout",
            Kind::Duration(Bounds::between(10, 60_000)),
            "2s",
            "Deadline of every command; a durable command that misses it is answered with `overloaded`.",
        ),
        setting(
            "redis.prefix",
            Kind::Name,
            "hubbub",
            "Begins the name of every key and channel, so that several installations can share one Redis.",
        ),
    ],
};

/// How nodes reach each other.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// Where Redis is.
    pub url: Option<ServiceUrl>,
    /// Number of shards.
    pub shards: u16,
    /// Deadline of every command.
    pub command_timeout: Duration,
    /// Begins every key.
    pub prefix: String,
}

impl RedisConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            url: from.url("redis.url"),
            shards: from.number("redis.shards"),
            command_timeout: from.duration("redis.command_timeout"),
            prefix: from.text("redis.prefix"),
        }
    }
}
