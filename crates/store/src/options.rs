//! What may be set about a store.

use std::time::Duration;

/// The sizes and patience of a store.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// Connections at most; at least 1.
    pub max_connections: u32,
    /// Longest wait for a free or new connection; then `Unavailable`.
    pub acquire_timeout: Duration,
    /// Longest time that one call may take on its connection; then `Deadline`.
    pub statement_timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
        }
    }
}
