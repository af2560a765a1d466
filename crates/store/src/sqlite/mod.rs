//! The [`Store`] port over one SQLite file, for a single machine.
//!
//! Owns opening, migrating and the reads; writing is in [`append`]. Invariant: one writer at a time (a pool of one, and
//! BEGIN IMMEDIATE against other processes), readers beside it (WAL), so nobody meets a lock in the middle of a change.

mod append;

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Appended, PortError, ShardLease, Store, StoredMessage};
use domain::words::{Entry, Position, RoomId};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{Connection, Sqlite};
use tokio::time::timeout;

use crate::failure::{of_migration, translate};
use crate::gate::Gate;
use crate::migrations;
use crate::options::StoreOptions;
use crate::row::{MessageRow, bound, head, position};

/// Longest wait for another process's transaction when migrating.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(60);

/// The columns of [`MessageRow`].
macro_rules! message_columns {
    () => {
        "epoch, seq, id, kind, target_id, user_id, user_numeric, username, client_id, body, key_id,
         sent_at, edited_at, deleted_at"
    };
}

const PAGE: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM messages WHERE room = $1 AND kind = 'message' AND seq < $2 ORDER BY seq DESC LIMIT $3"
);

/// Numbers alone decide the order: an epoch begins above every number issued before it.
const AFTER: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM messages WHERE room = $1 AND seq > $2 AND epoch >= $3 AND kind <> 'void' ORDER BY seq LIMIT $4"
);

const HEAD: &str = "SELECT epoch, seq FROM messages WHERE room = $1 ORDER BY seq DESC LIMIT 1";

const HEADS: &str = "SELECT room, MAX(epoch), MAX(seq) FROM messages GROUP BY room";

const BEGIN: &str = "INSERT INTO numbering (single, broker) VALUES (1, $1) ON CONFLICT DO NOTHING";

const BEGINS: &str =
    "SELECT broker = $1 AND NOT EXISTS (SELECT 1 FROM messages) FROM numbering WHERE single = 1";

/// History in one file.
pub struct SqliteStore {
    readers: Gate<Sqlite>,
    writer: Gate<Sqlite>,
}

impl SqliteStore {
    /// A store over `url`, which is `sqlite://FILE` or the file's path; opens it at first use. The file must be there:
    /// [`Self::migrate`] makes it.
    pub async fn open(url: &str, options: StoreOptions) -> Result<Self, PortError> {
        let connect = file(url).busy_timeout(options.statement_timeout);
        let gate = |connections| Gate::new(connect.clone(), connections, path(url).to_owned(), options);
        Ok(Self { readers: gate(options.max_connections), writer: gate(1) })
    }

    /// Makes the file where there is none and brings it to the newest schema. Several at once wait for each other.
    pub async fn migrate(url: &str) -> Result<(), PortError> {
        let connect = file(url).create_if_missing(true).busy_timeout(MIGRATION_PATIENCE);
        match timeout(migrations::DEADLINE, run_migrations(&connect, path(url))).await {
            Ok(done) => done,
            Err(_) => Err(PortError::Deadline),
        }
    }

    async fn rows(
        &self,
        query: sqlx::query::QueryAs<'_, Sqlite, MessageRow, SqliteArguments>,
    ) -> Result<Vec<MessageRow>, PortError> {
        let mut connection = self.readers.acquire().await?;
        let answer = self.readers.within(async { Ok(query.fetch_all(&mut *connection).await?) }).await;
        self.readers.finish(connection, answer)
    }
}

/// The whole run is one transaction that takes the write lock first: SQLite has no other lock to wait for.
async fn run_migrations(connect: &SqliteConnectOptions, address: &str) -> Result<(), PortError> {
    let failed = |error: sqlx::Error| translate(&error, address);
    let mut connection = SqliteConnection::connect_with(connect).await.map_err(failed)?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let done = migrations::sqlite().run(&mut *transaction).await;
    done.map_err(|error| of_migration(&error, address))?;
    transaction.commit().await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

fn file(url: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path(url))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
}

fn path(url: &str) -> &str {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    path.strip_prefix("//").unwrap_or(path)
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(&self, leases: &[ShardLease], entries: &[Entry]) -> Result<Vec<Appended>, PortError> {
        let mut connection = self.writer.acquire().await?;
        let answer = self.writer.within(append::append(&mut connection, leases, entries)).await;
        self.writer.finish(connection, answer)
    }

    async fn page(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        let before = before.map_or(i64::MAX, bound);
        let rows = self.rows(sqlx::query_as(PAGE).bind(room.key()).bind(before).bind(bound(limit))).await?;
        rows.into_iter().rev().map(MessageRow::into_message).collect()
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Vec<Entry>, PortError> {
        let (seq, epoch) = (bound(after.seq), bound(after.epoch));
        let query = sqlx::query_as(AFTER).bind(room.key()).bind(seq).bind(epoch).bind(bound(limit));
        let rows = self.rows(query).await?;
        rows.into_iter().filter_map(|row| row.into_entry(room).transpose()).collect()
    }

    async fn head(&self, room: &RoomId) -> Result<Option<Position>, PortError> {
        let mut connection = self.readers.acquire().await?;
        let query = sqlx::query_as::<_, (i64, i64)>(HEAD).bind(room.key());
        let answer = self.readers.within(async { Ok(query.fetch_optional(&mut *connection).await?) }).await;
        let row = self.readers.finish(connection, answer)?;
        row.map(|(epoch, seq)| position(epoch, seq)).transpose()
    }

    async fn heads(&self) -> Result<Vec<(RoomId, Position)>, PortError> {
        let mut connection = self.readers.acquire().await?;
        let query = sqlx::query_as::<_, (String, i64, i64)>(HEADS);
        let answer = self.readers.within(async { Ok(query.fetch_all(&mut *connection).await?) }).await;
        self.readers.finish(connection, answer)?.into_iter().map(head).collect()
    }

    async fn begins(&self, broker: &str) -> Result<bool, PortError> {
        let mut connection = self.writer.acquire().await?;
        let answer = self
            .writer
            .within(async {
                sqlx::query(BEGIN).bind(broker).execute(&mut *connection).await?;
                Ok(sqlx::query_scalar(BEGINS).bind(broker).fetch_one(&mut *connection).await?)
            })
            .await;
        self.writer.finish(connection, answer)
    }

    async fn ready(&self) -> Result<(), PortError> {
        let mut connection = self.readers.acquire().await?;
        let query = sqlx::query_scalar(migrations::APPLIED);
        let answer = self.readers.within(async { Ok(query.fetch_one(&mut *connection).await?) }).await;
        let applied = self.readers.finish(connection, answer)?;
        migrations::check(applied, &migrations::sqlite(), self.readers.address())
    }
}
