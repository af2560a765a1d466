//! Settings that cannot stand together, or not for this command: one row each.
//!
//! A *refusal* is a mistake: the program would not do what the settings say. A *warning* is for settings that work
//! but surprise. Invariant: a rule about a key whose value did not fit is not applied; one mistake is told once.

use std::fmt;

use super::effective::Effective;
use super::mistake::{Mistake, Problem};
use super::role::Role;
use super::sections::auth::JwksSource;
use super::sections::limits::OnTooManyConnections;
use super::{Config, parse};

/// Settings that work but surprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Whose settings these are.
    pub keys: &'static [&'static str],
    /// What surprises, in one sentence.
    pub says: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.keys.join(", "), self.says)
    }
}

/// What a rule looks at.
pub(crate) struct Facts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) effective: &'a Effective,
    pub(crate) role: Role,
}

enum Severity {
    Refuse,
    Warn,
}

struct Rule {
    severity: Severity,
    keys: &'static [&'static str],
    broken: fn(&Facts<'_>) -> Option<String>,
}

const fn refuse(keys: &'static [&'static str], broken: fn(&Facts<'_>) -> Option<String>) -> Rule {
    Rule { severity: Severity::Refuse, keys, broken }
}

const fn warn(keys: &'static [&'static str], broken: fn(&Facts<'_>) -> Option<String>) -> Rule {
    Rule { severity: Severity::Warn, keys, broken }
}

const DURABLE: [&str; 5] = [
    "namespace.room.durable",
    "namespace.chat.durable",
    "namespace.event.durable",
    "namespace.lobby.durable",
    "namespace.user.durable",
];

static RULES: [Rule; 24] = [
    refuse(&["redis.url"], redis_is_missing),
    refuse(&["database.url"], database_is_missing),
    refuse(&["auth.jwt_secret", "auth.jwks"], tokens_cannot_be_checked),
    refuse(&["auth.jwt_secret"], secret_is_short),
    refuse(&["server.listen"], |facts| beyond_loopback(facts, facts.config.server.listen)),
    refuse(&["server.admin_listen"], |facts| beyond_loopback(facts, facts.config.server.admin_listen)),
    refuse(&["server.listen", "server.admin_listen"], addresses_collide),
    refuse(&["limits.outbound_bytes", "limits.frame"], frame_exceeds_queue),
    refuse(&["limits.commands_burst", "limits.commands_per_second"], rate_without_burst),
    refuse(&["limits.ping_timeout", "limits.ping_interval"], timeout_before_ping),
    refuse(&["presence.lease", "redis.command_timeout"], |facts| {
        lease_is_short(facts, facts.config.presence.lease)
    }),
    refuse(&["persister.lease", "redis.command_timeout"], |facts| {
        lease_is_short(facts, facts.config.persister.lease)
    }),
    refuse(&["persister.linger", "persister.lease"], linger_outlives_lease),
    warn(&["auth.jwt_secret"], secret_is_short_in_development),
    warn(&["redis.url"], redis_is_ignored),
    warn(&["database.url"], database_is_ignored),
    warn(&["database.url"], sqlite_is_one_machine),
    warn(&["auth.jwks"], key_set_in_the_clear),
    warn(&["limits.text", "limits.frame"], text_exceeds_frame),
    warn(&["limits.on_too_many_connections", "limits.max_connections_per_user"], nobody_gives_way),
    warn(&["limits.outbound_frames", "limits.outbound_bytes"], queue_is_unbounded),
    warn(&["history.page", "history.max_replay"], page_exceeds_replay),
    warn(&["server.trusted_proxies"], everyone_is_trusted),
    warn(&DURABLE, durability_is_fixed),
];

/// Applies every rule.
pub(crate) fn examine(facts: &Facts<'_>) -> (Vec<Mistake>, Vec<Warning>) {
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    for rule in &RULES {
        if rule.keys.iter().any(|key| facts.effective.is_faulty(key)) {
            continue;
        }
        let Some(says) = (rule.broken)(facts) else { continue };
        match rule.severity {
            Severity::Refuse => {
                let source = rule.keys.iter().find(|key| facts.effective.is_set(key));
                let source = source.map(|key| facts.effective.source(key).clone());
                mistakes.push(Mistake { source, problem: Problem::Refused { keys: rule.keys, says } });
            }
            Severity::Warn => warnings.push(Warning { keys: rule.keys, says }),
        }
    }
    (mistakes, warnings)
}

fn redis_is_missing(facts: &Facts<'_>) -> Option<String> {
    let missing = facts.role.needs_redis() && facts.config.redis.url.is_none();
    missing.then(|| needed(facts, "set HUBBUB_REDIS__URL, for example to redis://127.0.0.1:6379"))
}

fn database_is_missing(facts: &Facts<'_>) -> Option<String> {
    let missing = facts.role.needs_database() && facts.config.database.url.is_none();
    missing.then(|| needed(facts, "set HUBBUB_DATABASE__URL, for example to postgres://127.0.0.1/hubbub"))
}

fn tokens_cannot_be_checked(facts: &Facts<'_>) -> Option<String> {
    let auth = &facts.config.auth;
    let missing = facts.role.needs_tokens() && auth.jwt_secret.is_none() && auth.jwks.is_none();
    missing.then(|| needed(facts, "set HUBBUB_AUTH__JWT_SECRET (or its _FILE twin) or HUBBUB_AUTH__JWKS"))
}

fn needed(facts: &Facts<'_>, remedy: &str) -> String {
    format!("needed by `hubbub {}`; {remedy}", facts.role.command())
}

/// Bytes below which an HS256 secret can be guessed from one token (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;

fn short_secret(facts: &Facts<'_>) -> Option<String> {
    let length = facts.config.auth.jwt_secret.as_ref().map(|secret| secret.expose().len())?;
    (length < SHORTEST_SECRET)
        .then(|| format!("has {length} bytes, and fewer than {SHORTEST_SECRET} can be guessed"))
}

fn secret_is_short(facts: &Facts<'_>) -> Option<String> {
    short_secret(facts).filter(|_| !facts.role.is_for_development())
}

fn secret_is_short_in_development(facts: &Facts<'_>) -> Option<String> {
    short_secret(facts).filter(|_| facts.role.is_for_development())
}

fn beyond_loopback(facts: &Facts<'_>, address: std::net::SocketAddr) -> Option<String> {
    let refused = facts.role == Role::Dev { exposed: false } && !address.ip().to_canonical().is_loopback();
    refused
        .then(|| format!("{address} is reachable from other machines; `hubbub dev` needs --expose for that"))
}

fn addresses_collide(facts: &Facts<'_>) -> Option<String> {
    let (public, internal) = (facts.config.server.listen, facts.config.server.admin_listen);
    let same_host =
        public.ip() == internal.ip() || public.ip().is_unspecified() || internal.ip().is_unspecified();
    let collide = public.port() != 0 && public.port() == internal.port() && same_host;
    collide.then(|| format!("both would listen on port {}", public.port()))
}

fn frame_exceeds_queue(facts: &Facts<'_>) -> Option<String> {
    let limits = &facts.config.limits;
    let exceeds = limits.outbound_bytes > 0 && limits.outbound_bytes < limits.frame;
    exceeds.then(|| "a single frame of the largest size would close its receivers as too slow".to_owned())
}

fn rate_without_burst(facts: &Facts<'_>) -> Option<String> {
    let limits = &facts.config.limits;
    let contradict = limits.commands_per_second > 0 && limits.commands_burst == 0;
    contradict
        .then(|| "one is switched off and the other is not; 0 in both switches the limit off".to_owned())
}

fn timeout_before_ping(facts: &Facts<'_>) -> Option<String> {
    let limits = &facts.config.limits;
    let early = !limits.ping_timeout.is_zero() && limits.ping_timeout <= limits.ping_interval;
    early.then(|| "quiet connections would count as dead before they are pinged".to_owned())
}

fn lease_is_short(facts: &Facts<'_>, lease: std::time::Duration) -> Option<String> {
    let deadline = facts.config.redis.command_timeout;
    (lease <= deadline).then(|| "one slow command would lose the lease of a healthy process".to_owned())
}

fn linger_outlives_lease(facts: &Facts<'_>) -> Option<String> {
    let persister = &facts.config.persister;
    (persister.linger >= persister.lease)
        .then(|| "the lease would lapse while a batch waits to fill".to_owned())
}

fn redis_is_ignored(facts: &Facts<'_>) -> Option<String> {
    let ignored = facts.role.is_embedded() && facts.config.redis.url.is_some();
    ignored.then(|| "ignored, `hubbub dev` passes messages in memory".to_owned())
}

fn database_is_ignored(facts: &Facts<'_>) -> Option<String> {
    let ignored = facts.role.is_embedded() && facts.config.database.url.is_some();
    ignored.then(|| "ignored, `hubbub dev` keeps its own SQLite file (see --data)".to_owned())
}

fn sqlite_is_one_machine(facts: &Facts<'_>) -> Option<String> {
    let sqlite = facts.config.database.url.as_ref().is_some_and(|url| url.scheme() == "sqlite");
    (sqlite && facts.role.needs_redis())
        .then(|| "SQLite works only while every process is on one machine".to_owned())
}

fn key_set_in_the_clear(facts: &Facts<'_>) -> Option<String> {
    match facts.config.auth.jwks.as_ref()? {
        JwksSource::File(_) => None,
        JwksSource::Url(url) => {
            let local = ["127.", "localhost", "[::1]"].iter().any(|host| url.address().starts_with(host));
            let clear = url.scheme() == "http" && !local;
            clear
                .then(|| "whoever can change an http answer on its way can sign tokens; use https".to_owned())
        }
    }
}

fn text_exceeds_frame(facts: &Facts<'_>) -> Option<String> {
    let limits = &facts.config.limits;
    let exceeds = limits.frame > 0 && limits.text > limits.frame;
    exceeds.then(|| "the frame is full before the text is".to_owned())
}

fn nobody_gives_way(facts: &Facts<'_>) -> Option<String> {
    let limits = &facts.config.limits;
    let replaces = limits.on_too_many_connections == OnTooManyConnections::ReplaceOldest;
    (replaces && limits.max_connections_per_user == 0)
        .then(|| "there is no limit to be replaced at".to_owned())
}

fn queue_is_unbounded(facts: &Facts<'_>) -> Option<String> {
    let limits = &facts.config.limits;
    let unbounded = limits.outbound_frames == 0 && limits.outbound_bytes == 0;
    unbounded.then(|| "one client that stops reading can fill the memory of its node".to_owned())
}

fn page_exceeds_replay(facts: &Facts<'_>) -> Option<String> {
    let history = &facts.config.history;
    (history.page > history.max_replay).then(|| "a resume would bring less than a fresh join".to_owned())
}

fn everyone_is_trusted(facts: &Facts<'_>) -> Option<String> {
    let everyone = facts.config.server.trusted_proxies.iter().any(parse::network::Network::is_everything);
    everyone.then(|| "every client may forge its address and origin".to_owned())
}

fn durability_is_fixed(facts: &Facts<'_>) -> Option<String> {
    let namespace = &facts.config.namespace;
    let asked = [namespace.room, namespace.chat, namespace.event, namespace.lobby, namespace.user];
    let given = [true, true, false, true, false];
    let changed = asked.iter().zip(given).any(|(asked, given)| asked.durable != given);
    changed.then(|| {
        "`durable` has no effect yet: what clients say is numbered and kept, the rest is not".to_owned()
    })
}
