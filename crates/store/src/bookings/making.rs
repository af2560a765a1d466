//! Booking seats.
//!
//! Invariant: locks are taken in one order, the key's and then the event's, so bookings never wait for each other in a ring.

use domain::ports::{Booked, NewBooking, Receipt};
use domain::words::{BookingId, SeatChangeKind};

use super::seats::{self, Seats, unsigned};
use super::{events, keys, outbox};
use crate::engine::{Engine, Sql, Value};
use crate::failure::{Attempts, Failure};

const WRITE: Sql = Sql::same(
    "INSERT INTO bookings (id, event_id, user_id, user_numeric, quantity, idempotency_key, available)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

pub(super) async fn book<E: Engine>(on: &mut E::Connection, new: &NewBooking) -> Result<Booked, Failure> {
    let mut attempts = Attempts::new();
    loop {
        let answer = attempt::<E>(on, new).await;
        if attempts.are_over(&answer) {
            return answer;
        }
    }
}

/// Whatever ends without a commit, a "no" too, did nothing.
async fn attempt<E: Engine>(on: &mut E::Connection, new: &NewBooking) -> Result<Booked, Failure> {
    let mut transaction = E::begin(on).await?;
    if let Some(earlier) = keys::claim::<E>(&mut transaction, new).await? {
        return Ok(earlier);
    }
    // No event has more seats than a column can count.
    let taken = match i64::try_from(new.quantity) {
        Ok(quantity) => seats::take::<E>(&mut transaction, new.event, quantity).await?,
        Err(_) => None,
    };
    let Some(seats) = taken else {
        let known = events::one::<E>(&mut transaction, new.event).await?.is_some();
        return Ok(if known { Booked::SoldOut } else { Booked::UnknownEvent });
    };
    let receipt = write::<E>(&mut transaction, new, seats).await?;
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(Booked::Yes(receipt))
}

async fn write<E: Engine>(
    on: &mut E::Connection,
    new: &NewBooking,
    seats: Seats,
) -> Result<Receipt, Failure> {
    let booking = BookingId::fresh();
    let values = [
        Value::Text(booking.as_str()),
        events::key(new.event)?,
        Value::Text(new.user.as_str()),
        Value::Flag(new.user.is_numeric()),
        Value::Number(crate::row::signed(new.quantity)?),
        Value::OptionalText(new.key.as_deref()),
        Value::Number(seats.available),
    ];
    E::execute(on, WRITE, &values).await?;
    let news =
        outbox::News { event: new.event, kind: SeatChangeKind::Booked, booking: &booking, user: &new.user };
    outbox::tell::<E>(on, &news, seats).await?;
    Ok(Receipt { booking, available: unsigned(seats.available)? })
}
