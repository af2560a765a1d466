//! The [`Store`] port over Postgres.
//!
//! Owns connecting, migrating and the reads; writing is in [`append`]. Invariant: every call ends within the acquire
//! timeout plus the statement timeout, even when the server is frozen, and messages name host and port, never a password.

mod append;
mod columns;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Appended, PortError, ShardLease, Store, StoredMessage};
use domain::words::{Entry, Position, RoomId};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Postgres};
use tokio::time::timeout;

use crate::failure::{of_migration, translate};
use crate::gate::Gate;
use crate::migrations;
use crate::options::StoreOptions;
use crate::row::{MessageRow, bound, head, position};

/// Longest wait for a first connection when migrating.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// The columns of [`MessageRow`], times in milliseconds.
macro_rules! message_columns {
    () => {
        "epoch, seq, id, kind, target_id, user_id, user_numeric, username, client_id, body, key_id,
         (extract(epoch FROM sent_at) * 1000)::bigint AS sent_at,
         (extract(epoch FROM edited_at) * 1000)::bigint AS edited_at,
         (extract(epoch FROM deleted_at) * 1000)::bigint AS deleted_at"
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

/// History in Postgres. Any number of nodes may share one database.
pub struct PostgresStore {
    gate: Gate<Postgres>,
}

impl PostgresStore {
    /// A store over `url`; connects at first use. `Refused`: the url is not legible.
    // Async because the pool needs the runtime to be there.
    pub async fn connect(url: &str, options: StoreOptions) -> Result<Self, PortError> {
        let (connect, address) = parse(url)?;
        let patience = options.statement_timeout.as_millis().max(1);
        let connect = connect.options([
            // The server gives up when we do, instead of working for nobody.
            ("statement_timeout", patience.to_string()),
            // A client that vanished within a transaction must not keep its locks.
            ("idle_in_transaction_session_timeout", (2 * patience).to_string()),
            ("client_connection_check_interval", patience.to_string()),
            // A plan made while the tables were empty would be kept as they grow.
            ("plan_cache_mode", "force_custom_plan".to_owned()),
        ]);
        Ok(Self { gate: Gate::new(connect, options.max_connections, address, options) })
    }

    /// Brings the database to the newest schema. Several at once wait for each other by an advisory lock.
    pub async fn migrate(url: &str) -> Result<(), PortError> {
        let (connect, address) = parse(url)?;
        let connected = timeout(CONNECT_DEADLINE, PgConnection::connect_with(&connect)).await;
        let mut connection = match connected {
            Ok(connected) => connected.map_err(|error| translate(&error, &address))?,
            Err(_) => return Err(PortError::Unavailable(format!("{address}: no answer in time"))),
        };
        match timeout(migrations::DEADLINE, migrations::postgres().run(&mut connection)).await {
            Ok(done) => done.map_err(|error| of_migration(&error, &address)),
            Err(_) => Err(PortError::Deadline),
        }
    }

    async fn rows(
        &self,
        query: sqlx::query::QueryAs<'_, Postgres, MessageRow, sqlx::postgres::PgArguments>,
    ) -> Result<Vec<MessageRow>, PortError> {
        let mut connection = self.gate.acquire().await?;
        let answer = self.gate.within(async { Ok(query.fetch_all(&mut *connection).await?) }).await;
        self.gate.finish(connection, answer)
    }
}

/// How to connect, and `host:port` for messages.
fn parse(url: &str) -> Result<(PgConnectOptions, String), PortError> {
    let connect = PgConnectOptions::from_str(url)
        .map_err(|error| PortError::Refused(format!("the database url is not legible: {error}")))?;
    let address = match connect.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", connect.get_host(), connect.get_port()),
    };
    Ok((connect, address))
}

#[async_trait]
impl Store for PostgresStore {
    async fn append(&self, leases: &[ShardLease], entries: &[Entry]) -> Result<Vec<Appended>, PortError> {
        let mut connection = self.gate.acquire().await?;
        let answer = self.gate.within(append::append(&mut connection, leases, entries)).await;
        self.gate.finish(connection, answer)
    }

    async fn page(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        let before = before.map_or(i64::MAX, bound);
        let query = sqlx::query_as(PAGE).bind(room.key()).bind(before).bind(bound(limit));
        let rows = self.rows(query).await?;
        rows.into_iter().rev().map(MessageRow::into_message).collect()
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Vec<Entry>, PortError> {
        let (seq, epoch) = (bound(after.seq), bound(after.epoch));
        let query = sqlx::query_as(AFTER).bind(room.key()).bind(seq).bind(epoch).bind(bound(limit));
        let rows = self.rows(query).await?;
        rows.into_iter().filter_map(|row| row.into_entry(room).transpose()).collect()
    }

    async fn head(&self, room: &RoomId) -> Result<Option<Position>, PortError> {
        let mut connection = self.gate.acquire().await?;
        let query = sqlx::query_as::<_, (i64, i64)>(HEAD).bind(room.key());
        let answer = self.gate.within(async { Ok(query.fetch_optional(&mut *connection).await?) }).await;
        let row = self.gate.finish(connection, answer)?;
        row.map(|(epoch, seq)| position(epoch, seq)).transpose()
    }

    async fn heads(&self) -> Result<Vec<(RoomId, Position)>, PortError> {
        let mut connection = self.gate.acquire().await?;
        let query = sqlx::query_as::<_, (String, i64, i64)>(HEADS);
        let answer = self.gate.within(async { Ok(query.fetch_all(&mut *connection).await?) }).await;
        self.gate.finish(connection, answer)?.into_iter().map(head).collect()
    }

    async fn begins(&self, broker: &str) -> Result<bool, PortError> {
        let mut connection = self.gate.acquire().await?;
        let answer = self
            .gate
            .within(async {
                sqlx::query(BEGIN).bind(broker).execute(&mut *connection).await?;
                Ok(sqlx::query_scalar(BEGINS).bind(broker).fetch_one(&mut *connection).await?)
            })
            .await;
        self.gate.finish(connection, answer)
    }

    async fn ready(&self) -> Result<(), PortError> {
        let mut connection = self.gate.acquire().await?;
        let query = sqlx::query_scalar(migrations::APPLIED);
        let answer = self.gate.within(async { Ok(query.fetch_one(&mut *connection).await?) }).await;
        let applied = self.gate.finish(connection, answer)?;
        migrations::check(applied, &migrations::postgres(), self.gate.address())
    }
}
