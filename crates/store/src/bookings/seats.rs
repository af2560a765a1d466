//! The seats of an event: taking some and giving them back.
//!
//! Invariant: either is one statement that looks and changes at once, counts the event's version on, and holds its row until
//! the transaction ends. So seats are never negative and no two changes have one version.

use domain::ports::PortError;
use domain::words::EventId;

use super::events::key;
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;

const TAKE: Sql = Sql::same(
    "UPDATE events SET available_seats = available_seats - $2, version = version + 1
     WHERE id = $1 AND available_seats >= $2 RETURNING available_seats, version",
);

const GIVE_BACK: Sql = Sql::same(
    "UPDATE events SET available_seats = available_seats + $2, version = version + 1
     WHERE id = $1 RETURNING available_seats, version",
);

/// An event's seats after a change of them.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct Seats {
    #[sqlx(rename = "available_seats")]
    pub(super) available: i64,
    pub(super) version: i64,
}

/// `None`: there is no such event, or fewer seats are left.
pub(super) async fn take<E: Engine>(
    on: &mut E::Connection,
    event: EventId,
    quantity: i64,
) -> Result<Option<Seats>, Failure> {
    E::row(on, TAKE, &[key(event)?, Value::Number(quantity)]).await
}

/// `None`: there is no such event.
pub(super) async fn give_back<E: Engine>(
    on: &mut E::Connection,
    event: EventId,
    quantity: i64,
) -> Result<Option<Seats>, Failure> {
    E::row(on, GIVE_BACK, &[key(event)?, Value::Number(quantity)]).await
}

/// A count or number, as a column keeps it.
pub(super) fn unsigned(number: i64) -> Result<u64, PortError> {
    u64::try_from(number).map_err(|_| PortError::Refused("a stored number is negative".into()))
}
