//! Uploads in memory: who uploaded what for which room. Their bytes are nobody's business here.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::ports::{Pieces, PortError, Stowed, Upload, Uploads};
use domain::{Attachment, MessageId, RoomId, Timestamp, UserId};
use uuid::Uuid;

#[derive(Default)]
pub(crate) struct ScriptedUploads(Mutex<Vec<Upload>>);

impl ScriptedUploads {
    /// Somebody has uploaded a file for a room.
    pub(crate) fn has(&self, owner: &str, room: &RoomId) -> Uuid {
        let id = Uuid::new_v4();
        let attachment = Attachment { id, name: "cat.png".into(), media_type: "image/png".into(), size: 3 };
        let owner = UserId::text(owner).unwrap();
        self.0.lock().unwrap().push(Upload { attachment, owner, room: room.clone(), message: None });
        id
    }
}

#[async_trait]
impl Uploads for ScriptedUploads {
    async fn stow(&self, _: Uuid, _: Pieces, _: u64) -> Result<Stowed, PortError> {
        Err(PortError::Unavailable("no node asks for this".into()))
    }

    async fn add(&self, _: &Upload) -> Result<(), PortError> {
        Err(PortError::Unavailable("no node asks for this".into()))
    }

    async fn find(&self, id: Uuid) -> Result<Option<Upload>, PortError> {
        let uploads = self.0.lock().unwrap();
        Ok(uploads.iter().find(|upload| upload.attachment.id == id).cloned())
    }

    async fn read(&self, _: Uuid) -> Result<Option<Pieces>, PortError> {
        Ok(None)
    }

    async fn attach(
        &self,
        ids: &[Uuid],
        owner: &UserId,
        room: &RoomId,
        message: MessageId,
    ) -> Result<Option<Vec<Attachment>>, PortError> {
        let mut uploads = self.0.lock().unwrap();
        let mut shown = Vec::new();
        for id in ids {
            let own = |upload: &&mut Upload| {
                upload.attachment.id == *id && upload.owner == *owner && upload.room == *room
            };
            let Some(upload) = uploads.iter_mut().find(own) else { return Ok(None) };
            upload.message.get_or_insert(message);
            shown.push(upload.attachment.clone());
        }
        Ok(Some(shown))
    }

    async fn prune(&self, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }
}
