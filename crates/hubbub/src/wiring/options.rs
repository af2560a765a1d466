//! The configuration in the words of each part. No decision is made here.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use broker::redis::RedisOptions;
use domain::ports::Sealer;
use domain::seal::{Keyring, Unsealed};
use domain::{KeyId, Limits, Policies, RoomPolicy};
use gateway::engineio::EngineOptions;
use gateway::socketio::SocketIoOptions;
use gateway::{AcceptOptions, AccountOptions, AuthOptions, KeySource};
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
        offline_grace: config.presence.offline_grace,
        members_shown: config.presence.members_shown,
        recovery: config.server.recovery,
        users_shown: config.hub.users_shown,
        user_status: config.hub.user_status,
        upload: config.uploads.max_size,
        revalidation: config.auth.revalidate,
        ..Limits::default()
    }
}

pub(crate) fn policies(config: &Config) -> Policies {
    let merge = |policy: RoomPolicy, configured: &NamespacePolicy| RoomPolicy {
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
        cluster: defaults.cluster,
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
        handshakes_per_address: config.limits.handshakes_per_address,
        trusted_proxies: config.server.trusted_proxies.iter().map(ToString::to_string).collect(),
        accounts: AccountOptions {
            provision_users: auth.provision_users,
            registration: auth.registration,
            login_ttl: auth.login_ttl,
            logins_per_minute: auth.logins_per_minute,
            logins_per_address: auth.logins_per_address,
            admission_ttl: auth.admission_ttl,
        },
        ..AuthOptions::new(keys)
    })
}

/// As long as anything that is switched off may take.
const NEVER: Duration = Duration::from_secs(3600);

/// Sessions of Socket.IO on the node of this name.
pub(crate) fn socketio(config: &Config, node: &str) -> SocketIoOptions {
    let limits = &config.limits;
    let defaults = EngineOptions::default();
    let engine = EngineOptions {
        node: node.to_owned(),
        ping_interval: or_else(limits.ping_interval, NEVER),
        // The client is told both; the silence that ends it is their sum.
        ping_timeout: or_else(limits.ping_timeout.saturating_sub(limits.ping_interval), NEVER),
        max_payload: if limits.frame == 0 { defaults.max_payload } else { limits.frame },
        max_sessions: config.server.max_connections.unwrap_or(usize::MAX),
        ..defaults
    };
    let connect_timeout = or_else(limits.handshake, NEVER);
    SocketIoOptions { engine, connect_timeout }
}

fn or_else(duration: Duration, other: Duration) -> Duration {
    if duration.is_zero() { other } else { duration }
}

/// Where the other nodes reach a node's admin listener, which listens at `admin`.
pub(crate) fn advertise(config: &Config, admin: SocketAddr) -> String {
    if let Some(address) = &config.server.advertise {
        return address.clone();
    }
    let ip = if admin.ip().is_unspecified() { own_address().unwrap_or(admin.ip()) } else { admin.ip() };
    SocketAddr::new(ip, admin.port()).to_string()
}

/// The address by which this machine would reach others. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Of the block for documentation (RFC 5737): only the route to it is asked for.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

pub(crate) fn accept(config: &Config) -> AcceptOptions {
    let handshake = config.limits.handshake;
    AcceptOptions {
        max_connections: config.server.max_connections.unwrap_or(usize::MAX),
        header_timeout: if handshake.is_zero() { Duration::from_secs(3600) } else { handshake },
        ..AcceptOptions::default()
    }
}
