//! The [`Vault`] port: the sealed bodies that lie in the history.
//!
//! Owns finding them, once for both databases; changing many at once is each [`Engine`]'s own. Void rows have no body.
//! Invariant: a page costs what it gives, however much is done already and however much lies behind it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{PortError, SealedRow, Vault};
use domain::words::{InvalidId, KeyId, MessageId, RoomId, Sealed};
use uuid::Uuid;

use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;
use crate::gate::Gate;
use crate::row::{bound, room, sealed, signed};

const CENSUS: Sql = Sql {
    postgres: "SELECT key_id, count(*) FROM messages WHERE body <> '' GROUP BY key_id",
    sqlite: "SELECT key_id, count(*) FROM messages WHERE body <> x'' GROUP BY key_id",
};

/// The key behind $1 in the index, so that a few steps find all keys among however many bodies.
const NEXT_KEY: Sql = Sql {
    postgres: "SELECT key_id FROM messages WHERE body <> '' AND key_id > $1 ORDER BY key_id LIMIT 1",
    sqlite: "SELECT key_id FROM messages WHERE body <> x'' AND key_id > $1 ORDER BY key_id LIMIT 1",
};

/// Bodies of one key. Ordered by the key too, though it is one alone: without it Postgres would not see that the index
/// has the rows of no key in this order, and sort all that is left for every page.
macro_rules! behind {
    (postgres: $key:literal) => {
        concat!(
            "SELECT room, seq, CASE kind WHEN 'edit' THEN target_id ELSE id END AS bound_to, body, key_id
             FROM messages
             WHERE body <> '' AND ",
            $key,
            " AND (room COLLATE \"C\", seq) > ($2, $3) ORDER BY key_id, room COLLATE \"C\", seq LIMIT $4"
        )
    };
    (sqlite: $key:literal) => {
        concat!(
            "SELECT room, seq, CASE kind WHEN 'edit' THEN target_id ELSE id END AS bound_to, body, key_id
             FROM messages
             WHERE body <> x'' AND ",
            $key,
            " AND (room, seq) > ($2, $3) ORDER BY key_id, room, seq LIMIT $4"
        )
    };
}

const OF_KEY: Sql =
    Sql { postgres: behind!(postgres: "key_id = $1"), sqlite: behind!(sqlite: "key_id = $1") };

/// The same parameters, the first of them null.
const OF_NO_KEY: Sql = Sql {
    postgres: behind!(postgres: "key_id IS NULL AND $1::text IS NULL"),
    sqlite: behind!(sqlite: "key_id IS NULL AND $1 IS NULL"),
};

#[derive(Debug, sqlx::FromRow)]
struct BodyRow {
    room: String,
    seq: i64,
    bound_to: Uuid,
    body: Vec<u8>,
    key_id: Option<String>,
}

impl BodyRow {
    fn into_sealed(self) -> Result<SealedRow, PortError> {
        Ok(SealedRow {
            room: room(&self.room)?,
            seq: u64::try_from(self.seq).map_err(|_| illegible("a stored number is negative"))?,
            bound_to: MessageId(self.bound_to),
            body: sealed(self.body, self.key_id.as_deref()).map_err(|InvalidId(rule)| illegible(rule))?,
        })
    }
}

/// The bodies in one database.
pub(crate) struct SqlVault<E: Engine> {
    /// For what only reads.
    pub(crate) reader: Arc<Gate<E>>,
    /// For what may write.
    pub(crate) writer: Arc<Gate<E>>,
}

#[async_trait]
impl<E: Engine> Vault for SqlVault<E> {
    async fn census(&self) -> Result<Vec<(Option<KeyId>, u64)>, PortError> {
        let mut rows: Vec<(Option<String>, i64)> =
            self.reader.run(async |on| E::rows(on, CENSUS, &[]).await).await?;
        rows.sort();
        let count = |(key, count): (Option<String>, i64)| {
            Ok((key.as_deref().map(parse).transpose()?, u64::try_from(count).unwrap_or(0)))
        };
        rows.into_iter().map(count).collect()
    }

    async fn sealed_otherwise(
        &self,
        key: &KeyId,
        after: Option<(RoomId, u64)>,
        limit: usize,
    ) -> Result<Vec<SealedRow>, PortError> {
        let after = after.as_ref().map_or(("", 0), |(room, seq)| (room.key(), bound(*seq)));
        self.reader.run(async |on| otherwise::<E>(on, key, after, limit).await).await
    }

    async fn replace(&self, rows: &[(SealedRow, Sealed)]) -> Result<u64, PortError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.writer.run(async |on| E::replace(on, rows).await).await
    }
}

/// One page of every other key, put in order.
async fn otherwise<E: Engine>(
    on: &mut E::Connection,
    key: &KeyId,
    after: (&str, i64),
    limit: usize,
) -> Result<Vec<SealedRow>, Failure> {
    let mut found = BTreeMap::new();
    let others = keys::<E>(on).await?.into_iter().filter(|other| other != key.as_str()).map(Some);
    for other in others.chain([None]) {
        let values = [
            Value::OptionalText(other.as_deref()),
            Value::Text(after.0),
            Value::Number(after.1),
            Value::Number(bound(limit)),
        ];
        let sql = if other.is_some() { OF_KEY } else { OF_NO_KEY };
        let rows: Vec<BodyRow> = E::rows(on, sql, &values).await?;
        found.extend(rows.into_iter().map(|row| ((row.room.clone(), row.seq), row)));
    }
    Ok(found.into_values().take(limit).map(BodyRow::into_sealed).collect::<Result<_, _>>()?)
}

/// Every key that seals a body.
async fn keys<E: Engine>(on: &mut E::Connection) -> Result<Vec<String>, Failure> {
    let mut keys: Vec<String> = Vec::new();
    loop {
        let last = keys.last().map_or("", String::as_str);
        let next: Option<(String,)> = E::row(on, NEXT_KEY, &[Value::Text(last)]).await?;
        match next {
            Some((key,)) => keys.push(key),
            None => return Ok(keys),
        }
    }
}

fn parse(key: &str) -> Result<KeyId, PortError> {
    KeyId::parse(key).map_err(|InvalidId(rule)| illegible(rule))
}

fn illegible(rule: &str) -> PortError {
    PortError::Refused(format!("a stored row is not legible: {rule}"))
}

/// The number of a row, as its column keeps it.
pub(crate) fn place(row: &SealedRow) -> Result<(&str, i64), PortError> {
    Ok((row.room.key(), signed(row.seq)?))
}

/// A body as its two columns keep it.
pub(crate) fn body(sealed: &Sealed) -> (&[u8], Option<&str>) {
    (&sealed.bytes, sealed.key.as_ref().map(KeyId::as_str))
}
