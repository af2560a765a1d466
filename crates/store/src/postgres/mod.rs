//! Postgres: connecting, migrating, and what is said to it alone.
//!
//! Invariant: every call ends within the acquire timeout plus the statement timeout, even when the server is frozen, and
//! messages name host and port, never a password.

mod append;
mod columns;
mod engine;
mod relay;
mod vault;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use domain::ports::PortError;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Postgres};
use tokio::time::timeout;

use crate::failure::{of_migration, translate};
use crate::gate::Gate;
use crate::migrations;
use crate::options::StoreOptions;
use crate::{Opened, SqlBookings, SqlDirectory, SqlStore, SqlUploads, SqlVault};

/// Longest wait for a first connection when migrating.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// The ports over the database that `url` names, which any number of nodes may share; connects at first use.
pub(crate) fn open(url: &str, options: StoreOptions) -> Result<Opened, PortError> {
    let (connect, address) = parse(url)?;
    let gate = |connections, patience| {
        let options = StoreOptions { statement_timeout: patience, ..options };
        Arc::new(Gate::<Postgres>::new(patient(&connect, patience), connections, address.clone(), options))
    };
    let everyday = gate(options.max_connections, options.statement_timeout);
    let (reader, writer) = (everyday.clone(), everyday.clone());
    // Beside the everyday pool: whole tables are counted and walked by it.
    let upkeep = gate(1, options.statement_timeout.max(migrations::DEADLINE));
    Ok(Opened {
        store: Arc::new(SqlStore { reader, writer }),
        directory: Arc::new(SqlDirectory { reader: everyday.clone(), writer: everyday.clone() }),
        bookings: Arc::new(SqlBookings::new(everyday.clone(), everyday.clone())),
        uploads: Arc::new(SqlUploads { reader: everyday.clone(), writer: everyday }),
        vault: Arc::new(SqlVault { reader: upkeep.clone(), writer: upkeep }),
    })
}

/// Brings the database to the newest schema. Several at once wait for each other by an advisory lock.
pub(crate) async fn migrate(url: &str) -> Result<(), PortError> {
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

/// A connection whose server is as patient as we are.
fn patient(connect: &PgConnectOptions, patience: Duration) -> PgConnectOptions {
    let patience = patience.as_millis().max(1);
    connect.clone().options([
        // The server gives up when we do, instead of working for nobody.
        ("statement_timeout", patience.to_string()),
        // A client that vanished within a transaction must not keep its locks.
        ("idle_in_transaction_session_timeout", (2 * patience).to_string()),
        ("client_connection_check_interval", patience.to_string()),
        // What is read under a lock is what was committed before the lock was had, however the server is set.
        ("default_transaction_isolation", "read committed".to_owned()),
        // A plan made while the tables were empty would be kept as they grow.
        ("plan_cache_mode", "force_custom_plan".to_owned()),
    ])
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
