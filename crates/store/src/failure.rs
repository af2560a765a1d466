//! What a database's error means: whose fault it is, and whether the same again may help.
//!
//! Invariant: only an error about the data itself becomes `Refused`, since the persister buries what is refused.
//! Everything unknown is `Unavailable`, which is retried and seen.

use std::borrow::Cow;

use domain::ports::PortError;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

/// An error on the way: the database's, or already translated.
#[derive(Debug)]
pub(crate) enum Failure {
    Database(sqlx::Error),
    Port(PortError),
    /// The connection was lost while committing: it may or may not have been done.
    Unsure,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl Failure {
    /// An error of COMMIT, after which nobody knows, unless the database said no.
    pub(crate) fn of_commit(error: sqlx::Error) -> Self {
        if is_lost(&error) { Self::Unsure } else { Self::Database(error) }
    }

    /// Whether the connection can be of no further use.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Database(error) => is_lost(error),
            Self::Port(_) => false,
            Self::Unsure => true,
        }
    }

    /// Whether two transactions got in each other's way: this one did nothing, and the same again may pass.
    fn is_collision(&self) -> bool {
        // A serialization failure, or a deadlock.
        matches!(self.code().as_deref(), Some("40001" | "40P01"))
    }

    /// Whether a row was to be written that is there already.
    pub(crate) fn is_repetition(&self) -> bool {
        self.code().as_deref() == Some("23505")
    }

    /// Whether the wait for a lock was given up.
    pub(crate) fn is_locked_out(&self) -> bool {
        self.code().as_deref() == Some("55P03")
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Database(error) => error.as_database_error()?.code(),
            Self::Port(_) | Self::Unsure => None,
        }
    }

    /// The port's word for it; `address` says which database.
    pub(crate) fn into_port(self, address: &str) -> PortError {
        match self {
            Self::Database(error) => translate(&error, address),
            Self::Port(error) => error,
            Self::Unsure => PortError::Deadline,
        }
    }
}

/// How often a transaction may still be tried when others get in its way, all within the deadline of one call. The server
/// ends one of each ring, so somebody always gets through.
pub(crate) struct Attempts(u32);

impl Attempts {
    pub(crate) fn new() -> Self {
        Self(8)
    }

    /// Whether this answer stands; else the transaction did nothing and is to be tried again.
    pub(crate) fn are_over<T>(&mut self, answer: &Result<T, Failure>) -> bool {
        self.0 -= 1;
        self.0 == 0 || !answer.as_ref().is_err_and(Failure::is_collision)
    }
}

/// What an error of a migration means.
pub(crate) fn of_migration(error: &MigrateError, address: &str) -> PortError {
    match error {
        MigrateError::Execute(error) if is_lost(error) => translate(error, address),
        other => PortError::Refused(format!("{address}: {other}")),
    }
}

pub(crate) fn translate(error: &sqlx::Error, address: &str) -> PortError {
    match error {
        sqlx::Error::Database(error) => of_database(error.as_ref(), address),
        sqlx::Error::Encode(_) => PortError::Refused(format!("{address}: {error}")),
        sqlx::Error::PoolTimedOut => PortError::Unavailable(format!(
            "{address}: no connection in time: it refuses, does not answer, or all connections are in use"
        )),
        other => PortError::Unavailable(format!("{address}: {other}")),
    }
}

/// Postgres answers with five characters (SQLSTATE), SQLite with a shorter number whose low byte is the class.
fn of_database(error: &dyn DatabaseError, address: &str) -> PortError {
    let code = error.code().unwrap_or_default();
    let text = format!("{address}: {} ({code})", error.message());
    if code.len() == 5 { of_sqlstate(&code, text) } else { of_sqlite(&code, text) }
}

fn of_sqlite(code: &str, text: String) -> PortError {
    match code.parse::<u32>().map(|number| number & 0xff) {
        // TOOBIG, CONSTRAINT, MISMATCH
        Ok(18..=20) => PortError::Refused(text),
        // INTERRUPT
        Ok(9) => PortError::Deadline,
        // CANTOPEN
        Ok(14) => unmigrated(&text),
        Ok(1) if text.contains("no such table") => unmigrated(&text),
        Ok(_) | Err(_) => PortError::Unavailable(text),
    }
}

fn of_sqlstate(code: &str, text: String) -> PortError {
    match code {
        "57014" => PortError::Deadline,
        // A row too large for its index is the data's fault too, though it has another class.
        "54000" => PortError::Refused(text),
        "42P01" | "3F000" => unmigrated(&text),
        _ if code.starts_with("22") || code.starts_with("23") => PortError::Refused(text),
        _ => PortError::Unavailable(text),
    }
}

fn unmigrated(text: &str) -> PortError {
    PortError::Unavailable(format!("{text}; run `hubbub migrate`"))
}

fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        // Class 57P: the server shuts down, or an operator ended this connection. 25P03: the server lost patience with it.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code == "25P03")
        }
        _ => false,
    }
}
