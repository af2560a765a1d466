//! The [`Uploads`] port: files as rows, so that every node can serve them without a disk that all of them share.
//!
//! Written once for both databases. Invariants: no call holds more of a file than two of its pieces, however large the file
//! is; every piece belongs to a row that says whose it is, so nothing that was left behind is lost sight of.

mod attaching;
mod bytes;
mod forgetting;
mod knowing;

use std::sync::Arc;

use ::bytes::Bytes;
use async_trait::async_trait;
use domain::ports::{Pieces, PortError, Stowed, Upload, Uploads};
use domain::words::{Attachment, MessageId, RoomId, Timestamp, UserId};
use futures::stream::try_unfold;
use futures::{StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::engine::Engine;
use crate::gate::Gate;

/// Uploads in one database.
pub(crate) struct SqlUploads<E: Engine> {
    /// For what only reads.
    pub(crate) reader: Arc<Gate<E>>,
    /// For what may write.
    pub(crate) writer: Arc<Gate<E>>,
}

impl<E: Engine> SqlUploads<E> {
    /// Writes pieces as they come; `None`: there are more than `limit` bytes of them.
    async fn write(&self, id: Uuid, mut pieces: Pieces, limit: u64) -> Result<Option<u64>, PortError> {
        let mut rest = bytes::Rest::default();
        while let Some(piece) = pieces.try_next().await? {
            rest.push(&piece);
            if rest.total() > limit {
                return Ok(None);
            }
            while let Some(piece) = rest.whole() {
                self.keep(id, &piece).await?;
            }
        }
        if let Some(piece) = rest.last() {
            self.keep(id, &piece).await?;
        }
        Ok(Some(rest.total()))
    }

    async fn keep(&self, id: Uuid, piece: &bytes::Piece) -> Result<(), PortError> {
        self.writer.run(async |on| bytes::keep::<E>(on, id, piece).await).await
    }

    /// Deletes what there is of an upload that is not finished, in short steps.
    async fn forget(&self, id: Uuid) -> Result<(), PortError> {
        self.writer.run(async |on| forgetting::abandon::<E>(on, id).await).await?;
        while self.writer.run(async |on| forgetting::erase::<E>(on, id).await).await? {}
        self.writer.run(async |on| forgetting::close::<E>(on, id).await).await
    }
}

#[async_trait]
impl<E: Engine> Uploads for SqlUploads<E> {
    async fn stow(&self, id: Uuid, pieces: Pieces, limit: u64) -> Result<Stowed, PortError> {
        self.writer.run(async |on| bytes::begin::<E>(on, id).await).await?;
        let written = self.write(id, pieces, limit).await;
        if let Ok(Some(total)) = written {
            return Ok(Stowed::Yes(total));
        }
        // Where this fails too, it is found when old uploads are forgotten.
        let forgotten = self.forget(id).await;
        written?;
        forgotten.map(|()| Stowed::TooLarge)
    }

    async fn add(&self, upload: &Upload) -> Result<(), PortError> {
        self.writer.run(async |on| knowing::add::<E>(on, upload).await).await
    }

    async fn find(&self, id: Uuid) -> Result<Option<Upload>, PortError> {
        self.reader.run(async |on| knowing::find::<E>(on, id).await).await
    }

    async fn read(&self, id: Uuid) -> Result<Option<Pieces>, PortError> {
        let Some(upload) = self.find(id).await? else { return Ok(None) };
        let (gate, count) = (self.reader.clone(), bytes::count(upload.attachment.size));
        let pieces = try_unfold(0, move |number| {
            let gate = gate.clone();
            async move {
                if number >= count {
                    return Ok(None);
                }
                let piece: Bytes = gate.run(async |on| bytes::read::<E>(on, id, number).await).await?;
                Ok(Some((piece, number + 1)))
            }
        });
        Ok(Some(pieces.boxed()))
    }

    async fn attach(
        &self,
        ids: &[Uuid],
        owner: &UserId,
        room: &RoomId,
        message: MessageId,
    ) -> Result<Option<Vec<Attachment>>, PortError> {
        let who = attaching::For { owner, room, message };
        self.writer.run(async |on| attaching::attach::<E>(on, ids, &who).await).await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, PortError> {
        let mut pruned = 0;
        loop {
            self.writer.run(async |on| forgetting::give_up::<E>(on, before).await).await?;
            let old = self.reader.run(async |on| forgetting::old::<E>(on, before).await).await?;
            if old.is_empty() {
                return Ok(pruned);
            }
            for id in old {
                self.forget(id).await?;
                pruned += 1;
            }
        }
    }
}
