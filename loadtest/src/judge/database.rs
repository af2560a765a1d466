//! Reads what the persister wrote: the rows of this run's rooms, from Postgres or SQLite. Never writes.

use std::{str::FromStr, time::Duration};

use sqlx::{
    FromRow, PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio::time::timeout;

const CONNECT: Duration = Duration::from_secs(5);
const COUNT: Duration = Duration::from_secs(10);
const READ: Duration = Duration::from_secs(120);

/// One message as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct Row {
    pub(crate) room: String,
    pub(crate) epoch: i64,
    pub(crate) seq: i64,
    /// 32 hexadecimal digits, lower case.
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) client_id: Option<String>,
    /// `void` rows hold a place in the order and nothing else, `message` rows a message; all other kinds change one.
    pub(crate) kind: String,
    /// The message that is changed, as `id`.
    pub(crate) target: Option<String>,
    /// The message is withdrawn.
    pub(crate) deleted: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Database {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

/// Why the database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Not a URL of a database that can be read.
    #[error("the database must be postgres://… or sqlite://…")]
    UnknownScheme,
    /// What the database or its driver said.
    #[error(transparent)]
    Driver(#[from] sqlx::Error),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
}

/// Room keys hold no `%`, and an `_` in a pattern could only match rooms of the same random run id.
const COUNT_ROWS: &str = "SELECT count(*) FROM messages WHERE room LIKE $1";
const POSTGRES_ROWS: &str = "SELECT room, epoch, seq, replace(id::text, '-', '') AS id, user_id::text AS user_id, \
     client_id, kind, replace(target_id::text, '-', '') AS target, deleted_at IS NOT NULL AS deleted \
     FROM messages WHERE room LIKE $1 ORDER BY room, epoch, seq";
const SQLITE_ROWS: &str = "SELECT room, epoch, seq, CASE typeof(id) WHEN 'blob' THEN lower(hex(id)) \
     ELSE replace(lower(id), '-', '') END AS id, CAST(user_id AS TEXT) AS user_id, client_id, kind, \
     lower(hex(target_id)) AS target, deleted_at IS NOT NULL AS deleted FROM messages WHERE room LIKE $1 ORDER BY room, epoch, seq";

impl Database {
    pub(crate) async fn connect(url: &str) -> Result<Self, DatabaseError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT).connect(url).await?;
            Ok(Self::Postgres(pool))
        } else if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url)?.busy_timeout(CONNECT);
            let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(CONNECT);
            Ok(Self::Sqlite(pool.connect_with(options).await?))
        } else {
            Err(DatabaseError::UnknownScheme)
        }
    }

    /// How many rows the rooms under a key prefix have.
    pub(crate) async fn count(&self, key_prefix: &str) -> Result<u64, DatabaseError> {
        let pattern = format!("{key_prefix}%");
        let query = async {
            match self {
                Self::Postgres(pool) => {
                    sqlx::query_scalar::<_, i64>(COUNT_ROWS).bind(pattern).fetch_one(pool).await
                }
                Self::Sqlite(pool) => {
                    sqlx::query_scalar::<_, i64>(COUNT_ROWS).bind(pattern).fetch_one(pool).await
                }
            }
        };
        let count = timeout(COUNT, query).await.map_err(|_| DatabaseError::Deadline(COUNT))??;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// All rows of the rooms under a key prefix, by room, epoch and seq.
    pub(crate) async fn rows(&self, key_prefix: &str) -> Result<Vec<Row>, DatabaseError> {
        let pattern = format!("{key_prefix}%");
        let query = async {
            match self {
                Self::Postgres(pool) => sqlx::query_as(POSTGRES_ROWS).bind(pattern).fetch_all(pool).await,
                Self::Sqlite(pool) => sqlx::query_as(SQLITE_ROWS).bind(pattern).fetch_all(pool).await,
            }
        };
        Ok(timeout(READ, query).await.map_err(|_| DatabaseError::Deadline(READ))??)
    }
}

#[cfg(test)]
mod tests {
    use testkit::Postgres;

    use super::*;

    #[tokio::test]
    async fn rows_of_the_runs_rooms_are_read_from_postgres_in_order() {
        let server = Postgres::shared().await;
        let url = server.create_database().await;
        let name = url.rsplit('/').next().unwrap();
        let table = "CREATE TABLE messages (room text, seq bigint, epoch bigint, id uuid, kind text, user_id text, \
                     client_id text, target_id uuid, deleted_at timestamptz)";
        server.query(name, table).await;
        let id = "01890000-0000-7000-8000-00000000000a";
        let rows = format!(
            "INSERT INTO messages VALUES ('room:x-1-0', 2, 1, '{id}', 'message', 'u1', 'x-1-5', NULL, now()), \
             ('room:x-1-0', 1, 1, '{id}', 'void', 'u1', NULL, NULL, NULL), \
             ('room:x-1-0', 3, 1, '{id}', 'edit', 'u1', NULL, '{id}', NULL), \
             ('room:other', 1, 1, '{id}', 'message', 'u1', NULL, NULL, NULL)"
        );
        server.query(name, &rows).await;
        let database = Database::connect(&url).await.unwrap();
        assert_eq!(database.count("room:x-1-").await.unwrap(), 3);
        let rows = database.rows("room:x-1-").await.unwrap();
        assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(rows[1].id, id.replace('-', ""));
        assert_eq!((rows[1].kind.as_str(), rows[1].client_id.as_deref()), ("message", Some("x-1-5")));
        assert_eq!((rows[1].deleted, rows[2].deleted), (true, false));
        assert_eq!(rows[2].target.as_deref(), Some(rows[1].id.as_str()));
    }

    #[tokio::test]
    async fn another_scheme_is_refused() {
        assert!(matches!(Database::connect("mysql://x").await, Err(DatabaseError::UnknownScheme)));
    }
}
