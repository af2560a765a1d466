//! What is kept: the [`Store`], [`Directory`], [`Bookings`], [`Uploads`] and [`Vault`] ports over Postgres and over SQLite,
//! and their migrations.
//!
//! Owns every SQL statement. Does not open sealed bodies. Invariants: each (room, seq) is written once, whatever is
//! repeated, and all of a batch is there or nothing of it; every change of the directory and of an event's
//! seats is one transaction.
//!
//! Both databases keep the same tables (`/migrations`) and answer the same contract suite (`tests/contract.rs`). What
//! they are asked is written once (`history`, `directory`, `bookings`, `uploads`, `vault`) for whatever is an `Engine`.

mod amendment;
mod bookings;
mod directory;
mod engine;
mod failure;
mod gate;
mod history;
mod migrations;
mod options;
mod postgres;
mod row;
mod sqlite;
mod uploads;
mod vault;

use std::sync::Arc;

use domain::ports::{Bookings, Directory, PortError, Store, Uploads, Vault};

use bookings::SqlBookings;
use directory::SqlDirectory;
use history::SqlStore;
use uploads::SqlUploads;
use vault::SqlVault;

pub use options::StoreOptions;

/// Every port over one database.
#[derive(Clone)]
pub struct Opened {
    /// History.
    pub store: Arc<dyn Store>,
    /// Accounts, chats and membership.
    pub directory: Arc<dyn Directory>,
    /// Events with seats, bookings and their outbox.
    pub bookings: Arc<dyn Bookings>,
    /// Uploaded files.
    pub uploads: Arc<dyn Uploads>,
    /// Sealed bodies at rest.
    pub vault: Arc<dyn Vault>,
}

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

/// The ports over the database that `url` names. Connects at first use, so that a node starts while its database is
/// away; [`Store::ready`] tells whether it answers. `Refused`: the url is not legible.
// Async because the pools need the runtime to be there.
pub async fn open(url: &str, options: StoreOptions) -> Result<Opened, PortError> {
    match Scheme::of(url)? {
        Scheme::Postgres => postgres::open(url, options),
        Scheme::Sqlite => Ok(sqlite::open(url, options)),
    }
}

/// Brings the database that `url` names to the newest schema. Idempotent, and safe when run several times at once.
/// A SQLite file is made where there is none. `Refused`: a migration failed, or was changed after it was applied.
pub async fn migrate(url: &str) -> Result<(), PortError> {
    match Scheme::of(url)? {
        Scheme::Postgres => postgres::migrate(url).await,
        Scheme::Sqlite => sqlite::migrate(url).await,
    }
}
