//! How history is kept: the [`Store`] port over Postgres and over SQLite, and their migrations.
//!
//! Owns every SQL statement that touches what has a seq. Does not open sealed bodies. Invariant: each (room, seq) is
//! written once, whatever is repeated, and all of a batch is there or nothing of it.
//!
//! Both implementations keep the same tables (`/migrations`) and answer the same contract suite (`tests/contract.rs`).

mod amendment;
mod failure;
mod gate;
mod migrations;
mod options;
mod postgres;
mod row;
mod sqlite;

use std::sync::Arc;

use domain::ports::{PortError, Store};

pub use options::StoreOptions;
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// Which database a url names.
enum Scheme {
    Postgres,
    Sqlite,
}

impl Scheme {
    fn of(url: &str) -> Result<Self, PortError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            Some("sqlite") => Ok(Self::Sqlite),
            // The url itself may hold a password: it is not repeated.
            Some(_) | None => Err(PortError::Refused(
                "a database url begins with postgres://, postgresql:// or sqlite://".into(),
            )),
        }
    }
}

/// The store that `url` names. Connects at first use, so that a node starts while its database is away;
/// [`Store::ready`] tells whether it answers. `Refused`: the url is not legible.
pub async fn open(url: &str, options: StoreOptions) -> Result<Arc<dyn Store>, PortError> {
    Ok(match Scheme::of(url)? {
        Scheme::Postgres => Arc::new(PostgresStore::connect(url, options).await?),
        Scheme::Sqlite => Arc::new(SqliteStore::open(url, options).await?),
    })
}

/// Brings the database that `url` names to the newest schema. Idempotent, and safe when run several times at once.
/// A SQLite file is made where there is none. `Refused`: a migration failed, or was changed after it was applied.
pub async fn migrate(url: &str) -> Result<(), PortError> {
    match Scheme::of(url)? {
        Scheme::Postgres => PostgresStore::migrate(url).await,
        Scheme::Sqlite => SqliteStore::migrate(url).await,
    }
}
