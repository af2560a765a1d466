//! A row of `messages` as both databases give it back, and what the domain calls it.

use std::sync::Arc;

use bytes::Bytes;
use domain::ports::{Located, PortError, StoredMessage};
use domain::words::{
    Author, ClientId, Draft, Entry, InvalidId, KeyId, Kind, MessageId, Position, RoomId, Sealed, Timestamp,
    UserId,
};
use uuid::Uuid;

/// The columns of [`MessageRow`] in the words of one database.
macro_rules! message_columns {
    (postgres) => {
        "epoch, seq, id, kind, target_id, user_id, user_numeric, username, client_id, body, key_id,
         (extract(epoch FROM sent_at) * 1000)::bigint AS sent_at,
         (extract(epoch FROM edited_at) * 1000)::bigint AS edited_at,
         (extract(epoch FROM deleted_at) * 1000)::bigint AS deleted_at"
    };
    (sqlite) => {
        "epoch, seq, id, kind, target_id, user_id, user_numeric, username, client_id, body, key_id,
         sent_at, edited_at, deleted_at"
    };
}

pub(crate) use message_columns;

/// The columns that reading needs; times in milliseconds since 1970.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct MessageRow {
    epoch: i64,
    seq: i64,
    id: Uuid,
    kind: String,
    target_id: Option<Uuid>,
    user_id: String,
    user_numeric: bool,
    username: Option<String>,
    client_id: Option<String>,
    body: Vec<u8>,
    key_id: Option<String>,
    sent_at: i64,
    edited_at: Option<i64>,
    deleted_at: Option<i64>,
}

impl MessageRow {
    /// The message that this row of kind `message` keeps.
    pub(crate) fn into_message(self) -> Result<StoredMessage, PortError> {
        let position = position(self.epoch, self.seq)?;
        let illegible = |error| illegible(position, error);
        Ok(StoredMessage {
            position,
            id: MessageId(self.id),
            author: author(&self.user_id, self.user_numeric, self.username).map_err(illegible)?,
            client_id: self.client_id.as_deref().map(ClientId::parse).transpose().map_err(illegible)?,
            sent_at: Timestamp(self.sent_at),
            edited_at: self.edited_at.map(Timestamp),
            deleted_at: self.deleted_at.map(Timestamp),
            body: sealed(self.body, self.key_id.as_deref()).map_err(illegible)?,
        })
    }

    /// The entry that this row keeps; `None` for a kind that only a newer program knows.
    pub(crate) fn into_entry(self, room: &RoomId) -> Result<Option<Entry>, PortError> {
        let Some(kind) = Kind::parse(&self.kind) else { return Ok(None) };
        let target = self.target_id.map(MessageId);
        let message = self.into_message()?;
        let draft = Draft {
            room: room.clone(),
            id: message.id,
            kind,
            target,
            author: message.author,
            client_id: message.client_id,
            sent_at: message.sent_at,
            origin: None,
            body: message.body,
        };
        Ok(Some(Entry { position: message.position, draft }))
    }
}

/// A row that is found outside its room.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct PlacedRow {
    room: String,
    #[sqlx(flatten)]
    row: MessageRow,
}

impl PlacedRow {
    /// The message that this row of kind `message` keeps, and its room.
    pub(crate) fn into_message(self) -> Result<(RoomId, StoredMessage), PortError> {
        Ok((room(&self.room)?, self.row.into_message()?))
    }

    /// Where this row stands; `None` for a kind that only a newer program knows.
    pub(crate) fn into_located(self) -> Result<Option<Located>, PortError> {
        let Some(kind) = Kind::parse(&self.row.kind) else { return Ok(None) };
        let (room, message) = self.into_message()?;
        Ok(Some(Located {
            room,
            position: message.position,
            kind,
            author: message.author.user,
            sent_at: message.sent_at,
            deleted: message.deleted_at.is_some(),
        }))
    }
}

/// The position that two columns keep.
pub(crate) fn position(epoch: i64, seq: i64) -> Result<Position, PortError> {
    match (u64::try_from(epoch), u64::try_from(seq)) {
        (Ok(epoch), Ok(seq)) => Ok(Position { epoch, seq }),
        (Err(_), _) | (_, Err(_)) => Err(PortError::Refused("a stored position is negative".into())),
    }
}

/// A room and its newest position, as three columns keep them.
pub(crate) fn head((key, epoch, seq): (String, i64, i64)) -> Result<(RoomId, Position), PortError> {
    Ok((room(&key)?, position(epoch, seq)?))
}

/// The room that a column keeps.
pub(crate) fn room(key: &str) -> Result<RoomId, PortError> {
    RoomId::parse(key).map_err(|error| PortError::Refused(format!("a stored room is not legible: {error}")))
}

/// A number of the domain as a column keeps it.
pub(crate) fn signed(number: u64) -> Result<i64, PortError> {
    i64::try_from(number).map_err(|_| PortError::Refused("a number is above 2^63-1".into()))
}

/// The lower bound of a page or the count of its rows: what is too large for a column is as good as endless.
pub(crate) fn bound(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A user's id, as two columns keep it: its text, and whether it is written back as a number.
pub(crate) fn user(text: &str, numeric: bool) -> Result<UserId, InvalidId> {
    match text.parse() {
        Ok(number) if numeric => UserId::number(number),
        Ok(_) | Err(_) => UserId::text(text),
    }
}

fn author(id: &str, numeric: bool, name: Option<String>) -> Result<Author, InvalidId> {
    Ok(Author { user: user(id, numeric)?, name: name.map(Arc::from) })
}

/// A body, as two columns keep it.
pub(crate) fn sealed(body: Vec<u8>, key: Option<&str>) -> Result<Sealed, InvalidId> {
    Ok(Sealed { key: key.map(KeyId::parse).transpose()?, bytes: Bytes::from(body) })
}

fn illegible(position: Position, error: InvalidId) -> PortError {
    PortError::Refused(format!("the stored row at {position} is not legible: {error}"))
}
