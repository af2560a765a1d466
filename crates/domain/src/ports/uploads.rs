//! Uploaded files: what is known of each, and its bytes.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use uuid::Uuid;

use super::PortError;
use crate::words::{Attachment, MessageId, RoomId, Timestamp, UserId};

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// As messages show it.
    pub attachment: Attachment,
    /// Who uploaded it.
    pub owner: UserId,
    /// The room that it is for.
    pub room: RoomId,
    /// The message that shows it; `None`: it is its owner's alone.
    pub message: Option<MessageId>,
}

/// The bytes of a file, in pieces.
pub type Pieces = BoxStream<'static, Result<Bytes, PortError>>;

/// What became of a file that was to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stowed {
    /// It is there, with so many bytes.
    Yes(u64),
    /// It was longer than allowed; nothing is kept of it.
    TooLarge,
}

/// Where uploads are kept.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Keeps the bytes of a new upload, piece by piece, as long as there are at most `limit`. Nobody can read them before
    /// [`Self::add`].
    async fn stow(&self, id: Uuid, pieces: Pieces, limit: u64) -> Result<Stowed, PortError>;

    /// The upload exists from now on.
    async fn add(&self, upload: &Upload) -> Result<(), PortError>;

    /// What is known of an upload.
    async fn find(&self, id: Uuid) -> Result<Option<Upload>, PortError>;

    /// Its bytes.
    async fn read(&self, id: Uuid) -> Result<Option<Pieces>, PortError>;

    /// Shows uploads with a message, all or none: each must be there, the owner's own, and for this room. One that is
    /// shown with a message already stays with that one and may be shown again. `None`: one of them is not such.
    async fn attach(
        &self,
        ids: &[Uuid],
        owner: &UserId,
        room: &RoomId,
        message: MessageId,
    ) -> Result<Option<Vec<Attachment>>, PortError>;

    /// Forgets uploads that nobody has attached since before `before`, bytes included. Returns how many.
    async fn prune(&self, before: Timestamp) -> Result<u64, PortError>;
}
