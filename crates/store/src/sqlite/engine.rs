//! SQLite, for code that is written once for both databases.

use domain::ports::{Appended, Courier, PortError, SealedRow, ShardLease};
use domain::words::{Entry, Sealed};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteArguments;
use sqlx::types::Json;
use sqlx::{Arguments, Connection, Sqlite, SqliteConnection, Transaction};

use super::{append, relay, vault};
use crate::bookings::outbox::Told;
use crate::engine::{Engine, Row, Sql, Value};
use crate::failure::Failure;
use crate::gate::Gate;
use crate::migrations;

impl Engine for Sqlite {
    fn migrations() -> Migrator {
        migrations::sqlite()
    }

    async fn append(
        connection: &mut SqliteConnection,
        leases: &[ShardLease],
        entries: &[Entry],
    ) -> Result<Vec<Appended>, Failure> {
        append::append(connection, leases, entries).await
    }

    async fn replace(
        connection: &mut SqliteConnection,
        rows: &[(SealedRow, Sealed)],
    ) -> Result<u64, Failure> {
        vault::replace(connection, rows).await
    }

    async fn relay(
        reader: &Gate<Self>,
        writer: &Gate<Self>,
        courier: &dyn Courier,
        limit: usize,
    ) -> Result<Told, PortError> {
        relay::relay(reader, writer, courier, limit).await
    }

    /// With the write lock from its first statement, so that it never has to give up half-way.
    async fn begin(connection: &mut SqliteConnection) -> Result<Transaction<'_, Self>, Failure> {
        Ok(connection.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn execute(
        connection: &mut SqliteConnection,
        sql: Sql,
        values: &[Value<'_>],
    ) -> Result<u64, Failure> {
        let query = sqlx::query_with(sql.sqlite, arguments(values)?);
        Ok(query.execute(connection).await?.rows_affected())
    }

    async fn rows<R: Row>(
        connection: &mut SqliteConnection,
        sql: Sql,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, Failure> {
        Ok(sqlx::query_as_with(sql.sqlite, arguments(values)?).fetch_all(connection).await?)
    }
}

fn arguments(values: &[Value<'_>]) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match *value {
            Value::Text(text) => arguments.add(text),
            Value::OptionalText(text) => arguments.add(text),
            Value::Number(number) => arguments.add(number),
            Value::Flag(flag) => arguments.add(flag),
            Value::Id(id) => arguments.add(id),
            Value::OptionalId(id) => arguments.add(id),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Numbers(numbers) => arguments.add(Json(numbers)),
            Value::Texts(texts) => arguments.add(Json(texts)),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
