//! Postgres, for code that is written once for both databases.

use domain::ports::{Appended, Courier, PortError, SealedRow, ShardLease};
use domain::words::{Entry, Sealed};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, Connection, PgConnection, Postgres, Transaction};

use super::{append, relay, vault};
use crate::bookings::outbox::Told;
use crate::engine::{Engine, Row, Sql, Value};
use crate::failure::Failure;
use crate::gate::Gate;
use crate::migrations;

impl Engine for Postgres {
    fn migrations() -> Migrator {
        migrations::postgres()
    }

    async fn append(
        connection: &mut PgConnection,
        leases: &[ShardLease],
        entries: &[Entry],
    ) -> Result<Vec<Appended>, Failure> {
        append::append(connection, leases, entries).await
    }

    async fn replace(connection: &mut PgConnection, rows: &[(SealedRow, Sealed)]) -> Result<u64, Failure> {
        vault::replace(connection, rows).await
    }

    async fn relay(
        _reader: &Gate<Self>,
        writer: &Gate<Self>,
        courier: &dyn Courier,
        limit: usize,
    ) -> Result<Told, PortError> {
        relay::relay(writer, courier, limit).await
    }

    async fn begin(connection: &mut PgConnection) -> Result<Transaction<'_, Self>, Failure> {
        Ok(connection.begin().await?)
    }

    async fn execute(connection: &mut PgConnection, sql: Sql, values: &[Value<'_>]) -> Result<u64, Failure> {
        let query = sqlx::query_with(sql.postgres, arguments(values)?);
        Ok(query.execute(connection).await?.rows_affected())
    }

    async fn rows<R: Row>(
        connection: &mut PgConnection,
        sql: Sql,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, Failure> {
        Ok(sqlx::query_as_with(sql.postgres, arguments(values)?).fetch_all(connection).await?)
    }
}

fn arguments(values: &[Value<'_>]) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match *value {
            Value::Text(text) => arguments.add(text),
            Value::OptionalText(text) => arguments.add(text),
            Value::Number(number) => arguments.add(number),
            Value::Flag(flag) => arguments.add(flag),
            Value::Id(id) => arguments.add(id),
            Value::OptionalId(id) => arguments.add(id),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Numbers(numbers) => arguments.add(numbers),
            Value::Texts(texts) => arguments.add(texts),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
