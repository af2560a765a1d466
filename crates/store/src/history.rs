//! The [`Store`] port: everything that ever took a number in a room.
//!
//! Owns the reads, once for both databases; writing differs more and is each [`Engine`]'s own. Invariant: numbers alone
//! decide the order, since an epoch begins above every number issued before it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{Appended, Located, PortError, ShardLease, Store, StoredMessage};
use domain::words::{Entry, MessageId, Position, RoomId};

use crate::engine::{Engine, Sql, Value};
use crate::gate::Gate;
use crate::migrations;
use crate::row::{MessageRow, PlacedRow, bound, head, message_columns};

/// `SELECT` and `columns`, then what both databases say in the same words.
macro_rules! select {
    ($first:literal, $rest:literal) => {
        Sql {
            postgres: concat!("SELECT ", $first, message_columns!(postgres), " FROM messages WHERE ", $rest),
            sqlite: concat!("SELECT ", $first, message_columns!(sqlite), " FROM messages WHERE ", $rest),
        }
    };
}

const PAGE: Sql = select!("", "room = $1 AND kind = 'message' AND seq < $2 ORDER BY seq DESC LIMIT $3");

const FORWARD: Sql = select!("", "room = $1 AND kind = 'message' AND seq > $2 ORDER BY seq LIMIT $3");

const AFTER: Sql =
    select!("", "room = $1 AND seq > $2 AND epoch >= $3 AND kind <> 'void' ORDER BY seq LIMIT $4");

const REACTIONS: Sql =
    select!("", "target_id = $2 AND room = $1 AND kind IN ('react', 'unreact') ORDER BY seq");

const LOCATE: Sql = select!("room, ", "id = $1 AND kind <> 'void'");

const HEAD: Sql =
    Sql::same("SELECT room, epoch, seq FROM messages WHERE room = $1 ORDER BY seq DESC LIMIT 1");

const HEADS_OF: Sql = Sql {
    postgres: "
        SELECT DISTINCT m.room, m.epoch, m.seq FROM UNNEST($1::text[]) AS r (key) CROSS JOIN LATERAL (
            SELECT room, epoch, seq FROM messages WHERE room = r.key ORDER BY seq DESC LIMIT 1) AS m",
    sqlite: "
        SELECT DISTINCT m.room, m.epoch, m.seq FROM json_each($1) AS r CROSS JOIN messages AS m
        WHERE m.room = r.value AND m.seq = (SELECT max(seq) FROM messages WHERE room = r.value)",
};

const HEADS: Sql = Sql::same("SELECT room, max(epoch), max(seq) FROM messages GROUP BY room");

const BEGIN: Sql = Sql::same("INSERT INTO numbering (single, broker) VALUES (1, $1) ON CONFLICT DO NOTHING");

const BEGINS: Sql =
    Sql::same("SELECT broker = $1 AND NOT EXISTS (SELECT 1 FROM messages) FROM numbering WHERE single = 1");

/// The newest version in a database; null: none.
const APPLIED: Sql = Sql::same("SELECT max(version) FROM _sqlx_migrations WHERE success");

/// The history in one database.
pub(crate) struct SqlStore<E: Engine> {
    /// For what only reads.
    pub(crate) reader: Arc<Gate<E>>,
    /// For what may write.
    pub(crate) writer: Arc<Gate<E>>,
}

impl<E: Engine> SqlStore<E> {
    async fn entries(&self, room: &RoomId, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Entry>, PortError> {
        let rows: Vec<MessageRow> = self.reader.run(async |on| E::rows(on, sql, values).await).await?;
        rows.into_iter().filter_map(|row| row.into_entry(room).transpose()).collect()
    }
}

#[async_trait]
impl<E: Engine> Store for SqlStore<E> {
    async fn append(&self, leases: &[ShardLease], entries: &[Entry]) -> Result<Vec<Appended>, PortError> {
        self.writer.run(async |on| E::append(on, leases, entries).await).await
    }

    async fn page(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        let before = before.map_or(i64::MAX, bound);
        let values = [Value::Text(room.key()), Value::Number(before), Value::Number(bound(limit))];
        let rows: Vec<MessageRow> = self.reader.run(async |on| E::rows(on, PAGE, &values).await).await?;
        rows.into_iter().rev().map(MessageRow::into_message).collect()
    }

    async fn forward(
        &self,
        room: &RoomId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        let values = [Value::Text(room.key()), Value::Number(bound(after)), Value::Number(bound(limit))];
        let rows: Vec<MessageRow> = self.reader.run(async |on| E::rows(on, FORWARD, &values).await).await?;
        rows.into_iter().map(MessageRow::into_message).collect()
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Vec<Entry>, PortError> {
        let numbers = [bound(after.seq), bound(after.epoch), bound(limit)].map(Value::Number);
        let [seq, epoch, limit] = numbers;
        self.entries(room, AFTER, &[Value::Text(room.key()), seq, epoch, limit]).await
    }

    async fn head(&self, room: &RoomId) -> Result<Option<Position>, PortError> {
        let values = [Value::Text(room.key())];
        let row = self.reader.run(async |on| E::row(on, HEAD, &values).await).await?;
        Ok(row.map(head).transpose()?.map(|(_, position)| position))
    }

    async fn heads_of(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Position)>, PortError> {
        let keys: Vec<&str> = rooms.iter().map(RoomId::key).collect();
        let values = [Value::Texts(&keys)];
        let rows = self.reader.run(async |on| E::rows(on, HEADS_OF, &values).await).await?;
        rows.into_iter().map(head).collect()
    }

    async fn locate(&self, id: MessageId) -> Result<Option<Located>, PortError> {
        let values = [Value::Id(id.0)];
        let row: Option<PlacedRow> = self.reader.run(async |on| E::row(on, LOCATE, &values).await).await?;
        Ok(row.map(PlacedRow::into_located).transpose()?.flatten())
    }

    async fn reactions(&self, room: &RoomId, target: MessageId) -> Result<Vec<Entry>, PortError> {
        self.entries(room, REACTIONS, &[Value::Text(room.key()), Value::Id(target.0)]).await
    }

    async fn heads(&self) -> Result<Vec<(RoomId, Position)>, PortError> {
        let rows = self.reader.run(async |on| E::rows(on, HEADS, &[]).await).await?;
        rows.into_iter().map(head).collect()
    }

    async fn begins(&self, broker: &str) -> Result<bool, PortError> {
        let values = [Value::Text(broker)];
        let row: Option<(bool,)> = self
            .writer
            .run(async |on| {
                E::execute(on, BEGIN, &values).await?;
                E::row(on, BEGINS, &values).await
            })
            .await?;
        Ok(row.is_some_and(|(begins,)| begins))
    }

    async fn ready(&self) -> Result<(), PortError> {
        let row: Option<(Option<i64>,)> = self.reader.run(async |on| E::row(on, APPLIED, &[]).await).await?;
        let applied = row.and_then(|(version,)| version);
        migrations::check(applied, &E::migrations(), self.reader.address())
    }
}
