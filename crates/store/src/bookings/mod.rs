//! The [`Bookings`] port: events with seats, bookings of them, and the outbox of what became of the seats.
//!
//! Written once for both databases; who may bring the outbox is each [`Engine`]'s own. Invariants: a change of seats, what
//! caused it and its outbox row are one transaction; whoever changes an event's seats holds its row from the change to the
//! commit, so versions are handed out one after the other and become visible in their order.

mod cancelling;
mod events;
mod keys;
mod making;
pub(crate) mod outbox;
mod seats;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Booked, Bookings, Cancelled, Courier, NewBooking, PortError};
use domain::words::{BookableEvent, BookingId, EventId, SeatChange, Timestamp, UserId};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::gate::Gate;

/// Longest wait for another one's relay to end: behind it lies what was committed after it had looked.
pub(crate) const RELAY_PATIENCE: Duration = Duration::from_millis(250);

/// Bookings in one database.
pub(crate) struct SqlBookings<E: Engine> {
    reader: Arc<Gate<E>>,
    writer: Arc<Gate<E>>,
    /// Whose turn it is in this process to bring the outbox. Guards nothing; orders calls to the outside.
    turn: Mutex<()>,
}

impl<E: Engine> SqlBookings<E> {
    /// `reader`: for what only reads; `writer`: for what may write.
    pub(crate) fn new(reader: Arc<Gate<E>>, writer: Arc<Gate<E>>) -> Self {
        Self { reader, writer, turn: Mutex::new(()) }
    }
}

#[async_trait]
impl<E: Engine> Bookings for SqlBookings<E> {
    async fn create_event(&self, title: &str, seats: u64) -> Result<BookableEvent, PortError> {
        self.writer.run(async |on| events::create::<E>(on, title, seats).await).await
    }

    async fn events(&self, limit: usize) -> Result<Vec<BookableEvent>, PortError> {
        self.reader.run(async |on| events::newest::<E>(on, limit).await).await
    }

    async fn event(&self, id: EventId) -> Result<Option<BookableEvent>, PortError> {
        self.reader.run(async |on| events::one::<E>(on, id).await).await
    }

    async fn book(&self, booking: &NewBooking) -> Result<Booked, PortError> {
        self.writer.run(async |on| making::book::<E>(on, booking).await).await
    }

    async fn cancel(&self, booking: &BookingId, by: Option<&UserId>) -> Result<Cancelled, PortError> {
        self.writer.run(async |on| cancelling::cancel::<E>(on, booking, by).await).await
    }

    async fn version(&self, event: EventId) -> Result<u64, PortError> {
        self.reader.run(async |on| events::version::<E>(on, event).await).await
    }

    async fn changes(&self, event: EventId, after: u64, limit: usize) -> Result<Vec<SeatChange>, PortError> {
        self.reader.run(async |on| outbox::changes::<E>(on, event, after, limit).await).await
    }

    async fn relay(&self, courier: &dyn Courier, limit: usize) -> Result<usize, PortError> {
        let Ok(_turn) = timeout(RELAY_PATIENCE, self.turn.lock()).await else { return Ok(0) };
        // A look costs nothing; a turn among all processes would cost each of them a transaction.
        if limit == 0 || !self.reader.run(async |on| outbox::any_waiting::<E>(on).await).await? {
            return Ok(0);
        }
        let told = E::relay(&self.reader, &self.writer, courier, limit).await?;
        told.failure.map_or(Ok(told.changes.len()), Err)
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, PortError> {
        let mut pruned = 0;
        loop {
            let some = self.writer.run(async |on| outbox::prune::<E>(on, before).await).await?;
            pruned += some;
            if some < outbox::PRUNED_AT_ONCE {
                return Ok(pruned);
            }
        }
    }
}
