//! Giving booked seats back, once.

use domain::ports::{Cancelled, PortError, Receipt};
use domain::words::{BookingId, SeatChangeKind, UserId};

use super::events::event_id;
use super::outbox;
use super::seats::{self, unsigned};
use crate::engine::{Engine, Sql, Value};
use crate::failure::{Attempts, Failure};
use crate::row::user;

/// Whoever comes second waits for the first one and then finds it cancelled.
const CANCEL: Sql = Sql {
    postgres: "
        UPDATE bookings SET cancelled_at = now()
        WHERE id = $1 AND cancelled_at IS NULL AND user_id = coalesce($2, user_id)
        RETURNING event_id, quantity, user_id, user_numeric",
    sqlite: "
        UPDATE bookings SET cancelled_at = CAST(unixepoch('subsec') * 1000 AS integer)
        WHERE id = $1 AND cancelled_at IS NULL AND user_id = coalesce($2, user_id)
        RETURNING event_id, quantity, user_id, user_numeric",
};

const STANDS: Sql =
    Sql::same("SELECT 1 FROM bookings WHERE id = $1 AND cancelled_at IS NULL AND user_id <> $2");

#[derive(Debug, sqlx::FromRow)]
struct BookingRow {
    event_id: i64,
    quantity: i64,
    user_id: String,
    user_numeric: bool,
}

impl BookingRow {
    fn user(&self) -> Result<UserId, PortError> {
        user(&self.user_id, self.user_numeric)
            .map_err(|error| PortError::Refused(format!("a stored booking is not legible: {error}")))
    }
}

pub(super) async fn cancel<E: Engine>(
    on: &mut E::Connection,
    booking: &BookingId,
    by: Option<&UserId>,
) -> Result<Cancelled, Failure> {
    let mut attempts = Attempts::new();
    loop {
        let answer = attempt::<E>(on, booking, by).await;
        if attempts.are_over(&answer) {
            return answer;
        }
    }
}

async fn attempt<E: Engine>(
    on: &mut E::Connection,
    booking: &BookingId,
    by: Option<&UserId>,
) -> Result<Cancelled, Failure> {
    let mut transaction = E::begin(on).await?;
    let values = [Value::Text(booking.as_str()), Value::OptionalText(by.map(UserId::as_str))];
    let Some(row) = E::row::<BookingRow>(&mut transaction, CANCEL, &values).await? else {
        let stands = E::row::<(i32,)>(&mut transaction, STANDS, &values).await?.is_some();
        return Ok(if stands { Cancelled::NotTheirs } else { Cancelled::Unknown });
    };
    let (event, owner) = (event_id(row.event_id)?, row.user()?);
    let seats = seats::give_back::<E>(&mut transaction, event, row.quantity).await?;
    let seats = seats.ok_or_else(|| PortError::Unavailable("a booking has lost its event".into()))?;
    let news = outbox::News { event, kind: SeatChangeKind::Cancelled, booking, user: &owner };
    outbox::tell::<E>(&mut transaction, &news, seats).await?;
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(Cancelled::Now(Receipt { booking: booking.clone(), available: unsigned(seats.available)? }))
}
