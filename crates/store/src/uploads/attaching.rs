//! Showing uploads with a message.
//!
//! Invariant: rows are locked in one order, that of their ids, so messages never wait for each other in a ring.

use std::collections::BTreeMap;

use domain::words::{Attachment, MessageId, RoomId, UserId};
use uuid::Uuid;

use super::knowing::size;
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;

const ATTACH: Sql = Sql::same(
    "UPDATE attachments SET message_id = coalesce(message_id, $4)
     WHERE id = $1 AND owner = $2 AND room = $3 RETURNING name, media_type, size",
);

/// Whose uploads are shown, where, and with what.
pub(super) struct For<'a> {
    pub(super) owner: &'a UserId,
    pub(super) room: &'a RoomId,
    pub(super) message: MessageId,
}

/// All of them or, where one may not be shown, none.
pub(super) async fn attach<E: Engine>(
    on: &mut E::Connection,
    ids: &[Uuid],
    who: &For<'_>,
) -> Result<Option<Vec<Attachment>>, Failure> {
    let mut shown: BTreeMap<Uuid, Option<Attachment>> = ids.iter().map(|id| (*id, None)).collect();
    let mut transaction = E::begin(on).await?;
    for (id, slot) in &mut shown {
        let values = [
            Value::Id(*id),
            Value::Text(who.owner.as_str()),
            Value::Text(who.room.key()),
            Value::Id(who.message.0),
        ];
        let row: Option<(String, String, i64)> = E::row(&mut transaction, ATTACH, &values).await?;
        // Dropped without a commit, the transaction did nothing.
        let Some((name, media_type, bytes)) = row else { return Ok(None) };
        *slot = Some(Attachment { id: *id, name, media_type, size: size(bytes)? });
    }
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(ids.iter().map(|id| shown.get(id).cloned().flatten()).collect())
}
