//! What is known of uploads.

use domain::ports::{PortError, Upload};
use domain::words::{Attachment, InvalidId, MessageId};
use uuid::Uuid;

use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;
use crate::row::{room, signed, user};

/// It has left the unfinished ones in the same transaction.
const FINISH: Sql = Sql::same("DELETE FROM unfinished_uploads WHERE id = $1 AND NOT abandoned");

const ADD: Sql = Sql::same(
    "INSERT INTO attachments (id, owner, room, message_id, name, media_type, size, location)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'database')",
);

const FIND: Sql =
    Sql::same("SELECT owner, room, message_id, name, media_type, size FROM attachments WHERE id = $1");

#[derive(Debug, sqlx::FromRow)]
struct UploadRow {
    owner: String,
    room: String,
    message_id: Option<Uuid>,
    name: String,
    media_type: String,
    size: i64,
}

impl UploadRow {
    fn into_upload(self, id: Uuid) -> Result<Upload, PortError> {
        let owner = user(&self.owner, false);
        Ok(Upload {
            attachment: Attachment {
                id,
                name: self.name,
                media_type: self.media_type,
                size: size(self.size)?,
            },
            owner: owner.map_err(|InvalidId(rule)| illegible(rule))?,
            room: room(&self.room)?,
            message: self.message_id.map(MessageId),
        })
    }
}

/// A size, as a column keeps it.
pub(super) fn size(column: i64) -> Result<u64, PortError> {
    u64::try_from(column).map_err(|_| illegible("its size is negative"))
}

fn illegible(rule: &str) -> PortError {
    PortError::Refused(format!("a stored upload is not legible: {rule}"))
}

pub(super) async fn add<E: Engine>(on: &mut E::Connection, upload: &Upload) -> Result<(), Failure> {
    let Upload { attachment, owner, room, message } = upload;
    let mut transaction = E::begin(on).await?;
    if E::execute(&mut transaction, FINISH, &[Value::Id(attachment.id)]).await? == 0 {
        return Err(PortError::Unavailable("the upload was given up".into()).into());
    }
    let values = [
        Value::Id(attachment.id),
        Value::Text(owner.as_str()),
        Value::Text(room.key()),
        Value::OptionalId(message.map(|message| message.0)),
        Value::Text(&attachment.name),
        Value::Text(&attachment.media_type),
        Value::Number(signed(attachment.size)?),
    ];
    E::execute(&mut transaction, ADD, &values).await?;
    transaction.commit().await.map_err(Failure::of_commit)
}

pub(super) async fn find<E: Engine>(on: &mut E::Connection, id: Uuid) -> Result<Option<Upload>, Failure> {
    let row: Option<UploadRow> = E::row(on, FIND, &[Value::Id(id)]).await?;
    Ok(row.map(|row| row.into_upload(id)).transpose()?)
}
