//! Changes of seats in memory, and their outbox: looks can fail, and be held back with the answer in hand.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use domain::ports::{Booked, Bookings, Cancelled, Courier, NewBooking, PortError};
use domain::{BookableEvent, BookingId, EventId, SeatChange, SeatChangeKind, Timestamp, UserId};

use tokio::sync::Mutex as Gate;

use super::script::Script;

#[derive(Default)]
struct Outbox {
    changes: Vec<SeatChange>,
    // How many of them were brought.
    brought: usize,
}

#[derive(Default)]
pub(crate) struct ScriptedBookings {
    outbox: Mutex<Outbox>,
    // Whoever brings holds it; nobody else brings meanwhile.
    bringing: Gate<()>,
    // Up to which version changes are not kept any more.
    forgotten: Mutex<HashMap<u64, u64>>,
    /// Before what was when changes were forgotten.
    pub(crate) pruned: Mutex<Vec<Timestamp>>,
    /// Marks of changes that were brought, held back before anything is done.
    pub(crate) marks: Script,
    /// Looks at a feed's version, held back with the answer in hand.
    pub(crate) versions: Script,
    /// Looks at what changed, held back with the answer in hand.
    pub(crate) looks: Script,
}

impl ScriptedBookings {
    /// Somebody booked a seat: the change is in the outbox.
    pub(crate) fn book(&self, event: u64, available: u64) -> SeatChange {
        let mut outbox = self.outbox.lock().unwrap();
        let event = EventId::new(event).unwrap();
        let version = outbox.changes.iter().filter(|change| change.event == event).count() as u64 + 1;
        let change = SeatChange {
            event,
            version,
            kind: SeatChangeKind::Booked,
            booking: BookingId::fresh(),
            user: UserId::text("booker").unwrap(),
            available,
            at: Timestamp(0),
        };
        outbox.changes.push(change.clone());
        change
    }

    /// As many seats are booked, down to none.
    pub(crate) fn book_all(&self, event: u64, seats: u64) {
        (0..seats).rev().for_each(|available| drop(self.book(event, available)));
    }

    /// The oldest changes of the event are not kept any more.
    pub(crate) fn forget(&self, event: u64, through: u64) {
        self.forgotten.lock().unwrap().insert(event, through);
    }

    /// Everything in the outbox was brought, whether anybody heard it or not.
    pub(crate) fn all_brought(&self) {
        let mut outbox = self.outbox.lock().unwrap();
        outbox.brought = outbox.changes.len();
    }

    fn of(&self, event: EventId) -> Vec<SeatChange> {
        let outbox = self.outbox.lock().unwrap();
        outbox.changes.iter().filter(|change| change.event == event).cloned().collect()
    }
}

/// A node does not ask for this: the HTTP API does.
fn not_asked<T>() -> Result<T, PortError> {
    Err(PortError::Unavailable("no node asks for this".into()))
}

#[async_trait]
impl Bookings for ScriptedBookings {
    async fn create_event(&self, _: &str, _: u64) -> Result<BookableEvent, PortError> {
        not_asked()
    }

    async fn events(&self, _: usize) -> Result<Vec<BookableEvent>, PortError> {
        not_asked()
    }

    async fn event(&self, _: EventId) -> Result<Option<BookableEvent>, PortError> {
        not_asked()
    }

    async fn book(&self, _: &NewBooking) -> Result<Booked, PortError> {
        not_asked()
    }

    async fn cancel(&self, _: &BookingId, _: Option<&UserId>) -> Result<Cancelled, PortError> {
        not_asked()
    }

    async fn version(&self, event: EventId) -> Result<u64, PortError> {
        let version = self.of(event).len() as u64;
        self.versions.turn().await?;
        Ok(version)
    }

    async fn changes(&self, event: EventId, after: u64, limit: usize) -> Result<Vec<SeatChange>, PortError> {
        let mut changes = self.of(event);
        let forgotten = self.forgotten.lock().unwrap().get(&event.get()).copied().unwrap_or(0);
        changes.retain(|change| change.version > after.max(forgotten));
        changes.truncate(limit);
        self.looks.turn().await?;
        Ok(changes)
    }

    async fn relay(&self, courier: &dyn Courier, limit: usize) -> Result<usize, PortError> {
        let Ok(_turn) = self.bringing.try_lock() else { return Ok(0) };
        let mut count = 0;
        while count < limit {
            let next = {
                let outbox = self.outbox.lock().unwrap();
                outbox.changes.get(outbox.brought).cloned()
            };
            let Some(change) = next else { break };
            courier.carry(&change).await?;
            self.marks.turn().await?;
            self.outbox.lock().unwrap().brought += 1;
            count += 1;
        }
        Ok(count)
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, PortError> {
        self.pruned.lock().unwrap().push(before);
        Ok(0)
    }
}
