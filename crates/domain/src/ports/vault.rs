//! Sealed bodies at rest, for the rotation of keys.

use async_trait::async_trait;

use super::PortError;
use crate::words::{KeyId, MessageId, RoomId, Sealed};

/// One sealed body, where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Its room.
    pub room: RoomId,
    /// Its number in the room.
    pub seq: u64,
    /// The id that its seal is bound to: an edit's is that of its message.
    pub bound_to: MessageId,
    /// What lies there.
    pub body: Sealed,
}

/// The bodies that history keeps.
#[async_trait]
pub trait Vault: Send + Sync {
    /// How many bodies each key seals; `None`: not sealed. Empty bodies are not counted.
    async fn census(&self) -> Result<Vec<(Option<KeyId>, u64)>, PortError>;

    /// Up to `limit` rows behind `after` (room key and seq) that `key` does not seal, in order of room key and seq.
    async fn sealed_otherwise(
        &self,
        key: &KeyId,
        after: Option<(RoomId, u64)>,
        limit: usize,
    ) -> Result<Vec<SealedRow>, PortError>;

    /// Puts new bodies in place of old ones, in one transaction, each only where the old one still lies there
    /// unchanged: an edit or a deletion that came first wins. Pairs (as it was read, new body). Returns how many moved.
    async fn replace(&self, rows: &[(SealedRow, Sealed)]) -> Result<u64, PortError>;
}
