//! The configuration in the words of each part. No decision is made here.

use std::sync::Arc;
use std::time::Duration;

use broker::redis::RedisOptions;
use domain::ports::Sealer;
use domain::seal::{Keyring, Unsealed};
use domain::{KeyId, Limits, Policies, RoomPolicy};
use gateway::{AcceptOptions, AuthOptions, KeySource};
use persister::PersisterOptions;
use store::StoreOptions;

use crate::config::{Config, JwksSource, NamespacePolicy, OnTooManyConnections, ServiceUrl};
use crate::exit::Exit;

pub(crate) fn limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        frame: limits.frame,
        text: limits.text,
        rooms: limits.rooms_per_connection,
        connections_per_user: limits.max_connections_per_user,
        replace_oldest: limits.on_too_many_connections == OnTooManyConnections::ReplaceOldest,
        commands_per_second: limits.commands_per_second,
        commands_burst: limits.commands_burst,
        bad_frames: limits.bad_frames,
        rate_limited: limits.rate_limited_frames,
        ping_interval: limits.ping_interval,
        ping_timeout: limits.ping_timeout,
        outbound_frames: limits.outbound_frames,
        outbound_bytes: limits.outbound_bytes,
        max_replay: config.history.max_replay,
        page: config.history.page,
        linger: config.broker.unsubscribe_linger,
    }
}

pub(crate) fn policies(config: &Config) -> Policies {
    let merge = |policy: RoomPolicy, configured: &NamespacePolicy| RoomPolicy {
        durable: configured.durable,
        echo_to_sender: configured.echo_to_sender,
        ..policy
    };
    let (defaults, namespace) = (Policies::default(), &config.namespace);
    Policies {
        room: merge(defaults.room, &namespace.room),
        chat: merge(defaults.chat, &namespace.chat),
        event: merge(defaults.event, &namespace.event),
        lobby: merge(defaults.lobby, &namespace.lobby),
        user: merge(defaults.user, &namespace.user),
    }
}

pub(crate) fn redis(config: &Config, url: &ServiceUrl, lease: Duration) -> RedisOptions {
    RedisOptions {
        url: url.expose().to_owned(),
        shards: config.redis.shards,
        prefix: config.redis.prefix.clone(),
        command_timeout: config.redis.command_timeout,
        hot_log: config.history.hot_log,
        hot_log_ttl: config.history.hot_log_ttl,
        journal_max_length: config.broker.journal_max_length.unwrap_or(u64::from(u32::MAX)),
        dedupe_window: config.broker.dedupe_window,
        batch: config.broker.batch,
        lease,
        // The wiring asks the database first.
        virgin: false,
    }
}

pub(crate) fn store(config: &Config) -> StoreOptions {
    StoreOptions {
        max_connections: config.database.max_connections,
        acquire_timeout: config.database.acquire_timeout,
        ..StoreOptions::default()
    }
}

pub(crate) fn persister(config: &Config) -> PersisterOptions {
    PersisterOptions {
        batch: config.persister.batch,
        linger: config.persister.linger,
        // Two renewals may fail before the lease lapses.
        renew: config.persister.lease / 3,
        ..PersisterOptions::default()
    }
}

/// The keyring, or nothing at all, said loudly.
pub(crate) fn sealer(config: &Config) -> Arc<dyn Sealer> {
    let keys = config.seal.keys.iter().map(|key| {
        let id = KeyId::parse(&key.id).expect("the configuration checks key ids by the same rule");
        (id, key.bytes)
    });
    match Keyring::new(keys) {
        Some(ring) => Arc::new(ring),
        None => {
            tracing::warn!(
                "no seal.keys are set: message text is stored in the clear in Redis and the database"
            );
            Arc::new(Unsealed)
        }
    }
}

/// Whose tokens are believed. `fallback`: the secret where none is configured, which may be short.
pub(crate) fn auth(config: &Config, fallback: Option<&str>) -> Result<AuthOptions, Exit> {
    let auth = &config.auth;
    let configured = auth.jwt_secret.as_ref().map(|secret| secret.expose());
    let keys = match (&auth.jwks, configured.or(fallback)) {
        (Some(JwksSource::File(path)), _) => {
            KeySource::Jwks { location: path.display().to_string(), refresh: auth.jwks_refresh }
        }
        (Some(JwksSource::Url(url)), _) => {
            KeySource::Jwks { location: url.expose().to_owned(), refresh: auth.jwks_refresh }
        }
        (None, Some(secret)) => KeySource::Secret(secret.as_bytes().to_vec()),
        (None, None) => return Err(Exit::Usage("neither auth.jwt_secret nor auth.jwks is set".to_owned())),
    };
    Ok(AuthOptions {
        allow_short_secret: fallback.is_some(),
        cookie: auth.cookie.clone(),
        allow_missing_exp: auth.allow_missing_exp,
        max_session: auth.max_session,
        leeway: auth.leeway,
        issuer: auth.issuer.clone(),
        audience: auth.audience.clone(),
        allowed_origins: config.server.allowed_origins.clone(),
        trusted_proxies: config.server.trusted_proxies.iter().map(ToString::to_string).collect(),
        ..AuthOptions::new(keys)
    })
}

pub(crate) fn accept(config: &Config) -> AcceptOptions {
    let handshake = config.limits.handshake;
    AcceptOptions {
        max_connections: config.server.max_connections.unwrap_or(usize::MAX),
        header_timeout: if handshake.is_zero() { Duration::from_secs(3600) } else { handshake },
        ..AcceptOptions::default()
    }
}
