//! What code that is written once for both databases may ask of either.
//!
//! Owns the difference between the two where it is more than a word: how values are bound, and how a transaction begins.
//! Where the difference is a word, a statement has two texts ([`Sql`]).

use domain::ports::{Appended, Courier, PortError, SealedRow, ShardLease};
use domain::words::{Entry, Sealed};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Database, FromRow, Transaction};
use uuid::Uuid;

use crate::bookings::outbox::Told;
use crate::failure::Failure;
use crate::gate::Gate;

/// One statement in the words of each database, with the same parameters and columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

impl Sql {
    /// A statement that reads the same in both.
    pub(crate) const fn same(text: &'static str) -> Self {
        Self { postgres: text, sqlite: text }
    }
}

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    OptionalText(Option<&'a str>),
    Number(i64),
    Flag(bool),
    Id(Uuid),
    OptionalId(Option<Uuid>),
    Bytes(&'a [u8]),
    /// An array in Postgres; in SQLite the text of a JSON array, for `json_each`.
    Texts(&'a [&'a str]),
    /// The same of numbers.
    Numbers(&'a [i64]),
}

/// What a row of either database can be read as.
pub(crate) trait Row:
    for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

/// A database.
pub(crate) trait Engine: Database {
    /// The schema that this program needs.
    fn migrations() -> Migrator;

    /// Writes a batch: all of it or nothing.
    fn append(
        connection: &mut Self::Connection,
        leases: &[ShardLease],
        entries: &[Entry],
    ) -> impl Future<Output = Result<Vec<Appended>, Failure>> + Send;

    /// Puts new bodies in place of those that are still what they were.
    fn replace(
        connection: &mut Self::Connection,
        rows: &[(SealedRow, Sealed)],
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Brings up to `limit` rows of the outbox, unless another process is at it, and marks those that were brought.
    fn relay(
        reader: &Gate<Self>,
        writer: &Gate<Self>,
        courier: &dyn Courier,
        limit: usize,
    ) -> impl Future<Output = Result<Told, PortError>> + Send;

    /// Begins a transaction that may write. Dropped without a commit, it did nothing.
    fn begin(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Transaction<'_, Self>, Failure>> + Send;

    /// How many rows the statement changed.
    fn execute(
        connection: &mut Self::Connection,
        sql: Sql,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// The rows that the statement gives.
    fn rows<R: Row>(
        connection: &mut Self::Connection,
        sql: Sql,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<R>, Failure>> + Send;

    /// The first row that the statement gives.
    fn row<R: Row>(
        connection: &mut Self::Connection,
        sql: Sql,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<R>, Failure>> + Send {
        async move { Ok(Self::rows(connection, sql, values).await?.into_iter().next()) }
    }
}
