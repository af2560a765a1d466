//! Small facts for any node to read.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::PortError;

/// Small facts that outlive a connection or a node for a while, for any node to read: where a client stood, where a
/// node can be reached. Lost at worst; never needed for a message.
#[async_trait]
pub trait Notes: Send + Sync {
    /// Keeps `value` under `key` for `ttl`; a later one replaces it.
    async fn keep(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), PortError>;

    /// What is kept under `key`, if it has not lapsed.
    async fn recall(&self, key: &str) -> Result<Option<Bytes>, PortError>;

    /// Keeps `value` under `key` for `ttl`, unless something is kept there: then that is returned, and nothing changes.
    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, PortError>;

    /// Forgets `key`. Idempotent.
    async fn forget(&self, key: &str) -> Result<(), PortError>;
}
