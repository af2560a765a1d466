//! Redis behind the ports. Every key is in `keys.rs`, every atomic step is one `.lua` file.
//!
//! Two connections per node: one that commands share, one that hears. The journal's worker has one of its own.

mod attendance;
mod budget;
mod codec;
mod driver;
mod fence;
mod frames;
mod journal;
mod keys;
mod link;
mod moves;
mod node;
mod notes;
mod people;
mod presence;
mod publisher;
mod reader;
mod seats;
mod slots;
mod subscriber;
mod sweep;
mod url;

use std::time::Duration;

use domain::ports::PortError;

pub use journal::RedisJournal;
pub use node::RedisNode;

/// How Redis is used. The defaults are those of the program's configuration.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// `redis://`, `rediss://`, `redis-sentinel://` or `redis-cluster://`, several hosts separated by commas.
    pub url: String,
    /// Slices of the rooms; fixed at first start, and checked.
    pub shards: u16,
    /// What every key begins with.
    pub prefix: String,
    /// Deadline of every command.
    pub command_timeout: Duration,
    /// Entries that a room's hot log holds (at least; trimmed roughly).
    pub hot_log: usize,
    /// Life of a hot log after its last entry.
    pub hot_log_ttl: Duration,
    /// Entries of one shard's journal at which durable commands are refused.
    pub journal_max_length: u64,
    /// Time in which a clientId is remembered.
    pub dedupe_window: Duration,
    /// Drafts that travel in one script call at most.
    pub batch: usize,
    /// Life of a node's or a worker's lease without renewal.
    pub lease: Duration,
    /// Nothing was ever kept in the database, so an empty Redis is a first start and not a loss.
    pub virgin: bool,
}

/// The instance (run id) behind a configuration: another one after every restart and promotion. On a cluster, of one
/// of the masters. `Unavailable` names the address tried.
pub async fn instance(options: &RedisOptions) -> Result<String, PortError> {
    let link = link::Link::connect(options).await?;
    let instance = link.instance(&link.keys.shard_count()).await;
    link.quit().await;
    instance
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379".into(),
            shards: 16,
            prefix: "hubbub".into(),
            command_timeout: Duration::from_secs(2),
            hot_log: 1000,
            hot_log_ttl: Duration::from_secs(24 * 3600),
            journal_max_length: 1_000_000,
            dedupe_window: Duration::from_secs(24 * 3600),
            batch: 64,
            lease: Duration::from_secs(10),
            virgin: false,
        }
    }
}
