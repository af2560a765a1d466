//! The connection to Redis: how it is configured, how scripts are called, and what its errors mean.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::PortError;
use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::config::{Options, PerformanceConfig, ReconnectError, ReconnectPolicy, TcpConfig};
use fred::types::{Builder, CustomCommand, Value};

use super::driver::Driver;
use super::keys::{Keys, Shard};
use super::{RedisOptions, url};

/// Commands that may wait for the connection; beyond it they are refused at once.
const BUFFERED_COMMANDS: usize = 20_000;

/// A script and its name in the script cache.
pub(super) struct Script {
    source: String,
    sha: String,
}

impl Script {
    pub(super) fn new(source: impl Into<String>) -> Self {
        let source = source.into();
        Self { sha: fred::util::sha1_hash(&source), source }
    }
}

/// One connection that commands share.
#[derive(Clone)]
pub(super) struct Link {
    client: Client,
    driver: Arc<Driver>,
    options: Options,
    address: String,
    pub(super) keys: Keys,
}

impl Link {
    /// Connects, or says which address did not answer.
    pub(super) async fn connect(options: &RedisOptions) -> Result<Self, PortError> {
        let address = url::address(&options.url);
        let client = client(options, 1)?;
        let unreachable =
            |error: Error| PortError::Unavailable(format!("redis at {address}: {}", error.details()));
        let connected = tokio::time::timeout(options.command_timeout * 3, client.init()).await;
        let connected =
            connected.map_err(|_| PortError::Unavailable(format!("redis at {address}: no answer")))?;
        let driver = Arc::new(Driver::keep(&client, connected.map_err(unreachable)?));
        let deadline = Options {
            timeout: Some(options.command_timeout),
            max_attempts: Some(attempts(&options.url)),
            fail_fast: true,
            ..Options::default()
        };
        let link = Self {
            client,
            driver,
            options: deadline,
            address,
            keys: Keys::new(&options.prefix, options.shards),
        };
        link.check_shards(options.shards).await?;
        Ok(link)
    }

    /// The number of shards is fixed at first start: another number would split every room's history.
    async fn check_shards(&self, shards: u16) -> Result<(), PortError> {
        let key = self.keys.shard_count();
        self.command("SETNX", &key, vec![key.as_str().into(), i64::from(shards).into()]).await?;
        let found = self.command("GET", &key, vec![key.as_str().into()]).await?;
        match found.as_string().and_then(|text| text.parse::<u16>().ok()) {
            Some(found) if found == shards => Ok(()),
            found => Err(PortError::Refused(format!(
                "redis was first used with {} shards, this configuration says {shards}",
                found.map_or_else(|| "an unreadable number of".to_owned(), |found| found.to_string()),
            ))),
        }
    }

    /// One command, to the node that owns `key`'s slot.
    pub(super) async fn command(
        &self,
        name: &'static str,
        key: &str,
        arguments: Vec<Value>,
    ) -> Result<Value, PortError> {
        self.send(CustomCommand::new_static(name, key, false), arguments).await
    }

    /// Calls a script that may be loaded whenever it is missing. Not for the write script.
    pub(super) async fn call(
        &self,
        script: &Script,
        shard: Shard,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, PortError> {
        self.call_at(script, &self.keys.base(shard), keys, arguments).await
    }

    /// The same for a script whose keys lie outside the shards, at the node that owns `place`.
    pub(super) async fn call_at(
        &self,
        script: &Script,
        place: &str,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, PortError> {
        match self.evaluate("EVALSHA", &script.sha, place, keys.clone(), arguments.clone()).await {
            Err(PortError::Unavailable(reason)) if reason.contains("NOSCRIPT") => {
                self.evaluate("EVAL", &script.source, place, keys, arguments).await
            }
            other => other,
        }
    }

    /// Calls a script by its hash alone: an instance that does not know it answers NOSCRIPT.
    pub(super) async fn call_loaded(
        &self,
        sha: &str,
        shard: Shard,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, PortError> {
        self.evaluate("EVALSHA", sha, &self.keys.base(shard), keys, arguments).await
    }

    /// Loads a script on the instance that owns the shard; returns its hash.
    pub(super) async fn load(&self, shard: Shard, source: String) -> Result<String, PortError> {
        let base = self.keys.base(shard);
        let loaded = self.command("SCRIPT", &base, vec!["LOAD".into(), source.into()]).await?;
        loaded.as_string().ok_or_else(|| PortError::Unavailable("SCRIPT LOAD gave no hash".into()))
    }

    async fn evaluate(
        &self,
        name: &'static str,
        script: &str,
        place: &str,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, PortError> {
        let mut all = Vec::with_capacity(2 + keys.len() + arguments.len());
        all.push(script.into());
        all.push(i64::try_from(keys.len()).unwrap_or(i64::MAX).into());
        all.extend(keys.into_iter().map(Value::from));
        all.extend(arguments);
        self.send(CustomCommand::new_static(name, place, false), all).await
    }

    async fn send(&self, command: CustomCommand, arguments: Vec<Value>) -> Result<Value, PortError> {
        if !self.client.is_connected() {
            return Err(PortError::Unavailable(format!("redis at {} is not connected", self.address)));
        }
        self.client
            .with_options(&self.options)
            .custom(command, arguments)
            .await
            .map_err(|error| meaning(&error))
    }

    /// The instance (run id) that owns `key`'s slot.
    pub(super) async fn instance(&self, key: &str) -> Result<String, PortError> {
        let told = self.command("INFO", key, vec!["server".into()]).await?;
        let told = told.as_string().unwrap_or_default();
        let id = told.lines().find_map(|line| line.strip_prefix("run_id:"));
        id.map(|id| id.trim().to_owned()).ok_or_else(|| unexpected("INFO"))
    }

    /// Ends the connection.
    pub(super) async fn quit(&self) {
        self.driver.end(&self.client).await;
    }
}

/// How often a command is written. A cluster answers MOVED and ASK, which are attempts as well; without one left the
/// client's router ends. A command that was written and got no answer is not written again: every one fails fast.
fn attempts(url: &str) -> u32 {
    if url::is_cluster(url) { 3 } else { 1 }
}

/// A configured client that is not connected yet; `deliveries` is how many may wait for whoever listens to it.
pub(super) fn client(options: &RedisOptions, deliveries: usize) -> Result<Client, PortError> {
    let mut builder = Builder::from_config(url::config(&options.url)?);
    builder.with_connection_config(|connection| {
        connection.connection_timeout = options.command_timeout;
        connection.internal_command_timeout = options.command_timeout;
        // A command whose reply was lost must not be sent again behind our back.
        connection.max_command_attempts = attempts(&options.url);
        connection.max_command_buffer_len = BUFFERED_COMMANDS;
        connection.unresponsive.max_timeout = Some(options.command_timeout * 2);
        connection.unresponsive.interval = Duration::from_millis(500);
        connection.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
        connection.reconnect_errors =
            vec![ReconnectError::ReadOnly, ReconnectError::ClusterDown, ReconnectError::MasterDown];
    });
    let performance = PerformanceConfig {
        default_command_timeout: options.command_timeout,
        broadcast_channel_capacity: deliveries,
        ..PerformanceConfig::default()
    };
    builder.set_performance_config(performance);
    builder.set_policy(ReconnectPolicy::new_exponential(0, 50, 1_000, 2));
    builder.build().map_err(|error| meaning(&error))
}

/// What a client error means to the domain.
pub(super) fn meaning(error: &Error) -> PortError {
    match error.kind() {
        // Lost on the way: it may have been done.
        ErrorKind::Timeout | ErrorKind::IO | ErrorKind::Canceled => PortError::Deadline,
        ErrorKind::Backpressure => PortError::Overloaded(Duration::from_secs(1)),
        _ if error.details().starts_with("OOM") => PortError::Overloaded(Duration::from_secs(5)),
        _ => PortError::Unavailable(error.details().to_owned()),
    }
}

/// A reply that is not what the script returns.
pub(super) fn unexpected(what: &str) -> PortError {
    PortError::Unavailable(format!("redis answered {what} in a shape that is not ours"))
}
