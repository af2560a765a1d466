//! Idempotency keys: a client's own names for its requests.
//!
//! Invariants: repeats of one request wait for each other, so the second one sees what became of the first; a request that
//! booked nothing leaves its key unused.

use domain::ports::{Booked, NewBooking, PortError, Receipt};
use domain::words::BookingId;

use super::seats::unsigned;
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;

/// Nobody else has this key until the transaction ends. A statement of its own: what is looked at under the lock must be
/// as new as the lock. In SQLite the writer is alone from its first statement.
const LOCK: Sql = Sql {
    postgres: "SELECT pg_advisory_xact_lock(hashtextextended($2, hashtextextended($1, 0)))",
    sqlite: "SELECT $1, $2",
};

const FIND: Sql = Sql {
    postgres: "
        SELECT id, event_id, quantity, available, created_at <= now() - interval '24 hours' AS aged
        FROM bookings WHERE user_id = $1 AND idempotency_key = $2",
    sqlite: "
        SELECT id, event_id, quantity, available,
               created_at <= CAST(unixepoch('subsec') * 1000 AS integer) - 24 * 60 * 60 * 1000 AS aged
        FROM bookings WHERE user_id = $1 AND idempotency_key = $2",
};

const FREE: Sql = Sql::same("UPDATE bookings SET idempotency_key = NULL WHERE id = $1");

#[derive(Debug, sqlx::FromRow)]
struct EarlierRow {
    id: String,
    event_id: i64,
    quantity: i64,
    available: i64,
    aged: bool,
}

/// What the request's key stands for already; `None`: nothing, and nobody else can take it before the transaction ends.
pub(super) async fn claim<E: Engine>(
    on: &mut E::Connection,
    new: &NewBooking,
) -> Result<Option<Booked>, Failure> {
    let Some(key) = new.key.as_deref() else { return Ok(None) };
    let values = [Value::Text(new.user.as_str()), Value::Text(key)];
    E::execute(on, LOCK, &values).await?;
    let Some(earlier) = E::row::<EarlierRow>(on, FIND, &values).await? else { return Ok(None) };
    if earlier.aged {
        E::execute(on, FREE, &[Value::Text(&earlier.id)]).await?;
        return Ok(None);
    }
    Ok(Some(answer(&earlier, new)?))
}

fn answer(earlier: &EarlierRow, new: &NewBooking) -> Result<Booked, PortError> {
    let (event, quantity) = (unsigned(earlier.event_id)?, unsigned(earlier.quantity)?);
    if (event, quantity) != (new.event.get(), new.quantity) {
        return Ok(Booked::Conflict);
    }
    let booking = booking_id(&earlier.id)?;
    Ok(Booked::Yes(Receipt { booking, available: unsigned(earlier.available)? }))
}

/// A booking's id, as a column keeps it.
pub(super) fn booking_id(id: &str) -> Result<BookingId, PortError> {
    BookingId::parse(id)
        .map_err(|error| PortError::Refused(format!("a stored booking is not legible: {error}")))
}
