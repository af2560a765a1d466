//! SQLite, one file for a single machine: opening, migrating, and what is said to it alone.
//!
//! Invariant: one writer at a time (a pool of one, and BEGIN IMMEDIATE against other processes), readers beside it (WAL),
//! so nobody meets a lock in the middle of a change.

mod append;
mod engine;
mod relay;
mod vault;

use std::sync::Arc;
use std::time::Duration;

use domain::ports::PortError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Sqlite};
use tokio::time::timeout;

use crate::failure::{of_migration, translate};
use crate::gate::Gate;
use crate::migrations;
use crate::options::StoreOptions;
use crate::{Opened, SqlBookings, SqlDirectory, SqlStore, SqlUploads, SqlVault};

/// Longest wait for another process's transaction when migrating.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(60);

/// The ports over `url`, which is `sqlite://FILE` or the file's path; opens it at first use. The file must be there:
/// [`migrate`] makes it.
pub(crate) fn open(url: &str, options: StoreOptions) -> Opened {
    let connect = file(url).busy_timeout(options.statement_timeout);
    let gate = |connections| {
        Arc::new(Gate::<Sqlite>::new(connect.clone(), connections, path(url).to_owned(), options))
    };
    let (reader, writer) = (gate(options.max_connections), gate(1));
    Opened {
        store: Arc::new(SqlStore { reader: reader.clone(), writer: writer.clone() }),
        directory: Arc::new(SqlDirectory { reader: reader.clone(), writer: writer.clone() }),
        bookings: Arc::new(SqlBookings::new(reader.clone(), writer.clone())),
        uploads: Arc::new(SqlUploads { reader: reader.clone(), writer: writer.clone() }),
        vault: Arc::new(SqlVault { reader, writer }),
    }
}

/// Makes the file where there is none and brings it to the newest schema. Several at once wait for each other.
pub(crate) async fn migrate(url: &str) -> Result<(), PortError> {
    let connect = file(url).create_if_missing(true).busy_timeout(MIGRATION_PATIENCE);
    match timeout(migrations::DEADLINE, run_migrations(&connect, path(url))).await {
        Ok(done) => done,
        Err(_) => Err(PortError::Deadline),
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
