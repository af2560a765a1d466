//! The embedded migrations, and whether a database has those that this program needs.
//!
//! Invariant: a database that is ahead of the program is fine: migrations only expand, so that old and new run together.

use std::time::Duration;

use domain::ports::PortError;
use sqlx::migrate::Migrator;

/// Longest time that all migrations together may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(600);

/// What Postgres needs.
pub(crate) fn postgres() -> Migrator {
    lenient(sqlx::migrate!("../../migrations/postgres"))
}

/// What SQLite needs.
pub(crate) fn sqlite() -> Migrator {
    lenient(sqlx::migrate!("../../migrations/sqlite"))
}

fn lenient(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true);
    migrator
}

/// Whether the version `applied` is enough; `Unavailable` says what to do where it is not.
pub(crate) fn check(applied: Option<i64>, needed: &Migrator, address: &str) -> Result<(), PortError> {
    let needed = needed.iter().map(|migration| migration.version).max();
    if applied >= needed {
        return Ok(());
    }
    Err(PortError::Unavailable(format!(
        "{address}: the schema is older than this program; run `hubbub migrate`"
    )))
}
