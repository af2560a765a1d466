//! Events with seats: booked in transactions, told in order.

use async_trait::async_trait;

use super::PortError;
use crate::words::{BookableEvent, BookingId, EventId, SeatChange, Timestamp, UserId};

/// A booking to be made.
#[derive(Debug, Clone)]
pub struct NewBooking {
    /// Of which event.
    pub event: EventId,
    /// For whom.
    pub user: UserId,
    /// How many seats, at least 1.
    pub quantity: u64,
    /// The client's own name for the request, 1 to 255 characters.
    pub key: Option<String>,
}

/// What was booked or cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The booking.
    pub booking: BookingId,
    /// Seats left after it.
    pub available: u64,
}

/// What became of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booked {
    /// It is there now; or was made before by the same user under the same key, with the same event and quantity: then
    /// this is the first one's receipt.
    Yes(Receipt),
    /// Fewer seats are left than were asked for; nothing was booked.
    SoldOut,
    /// There is no such event.
    UnknownEvent,
    /// The key stands for another booking of the same user, made less than 24 hours ago.
    Conflict,
}

/// What became of a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// The seats are free again.
    Now(Receipt),
    /// There is no such booking, or not any more.
    Unknown,
    /// It is somebody else's.
    NotTheirs,
}

/// Where the outbox is brought.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Tells everybody who listens. An error leaves this change and everything behind it in the outbox.
    async fn carry(&self, change: &SeatChange) -> Result<(), PortError>;
}

/// Events, bookings and their outbox. Every change is one transaction: the booking, its seats, and an outbox row with the
/// event's next version are there together or not at all. Seats are never negative and never sold twice.
#[async_trait]
pub trait Bookings: Send + Sync {
    /// Makes an event.
    async fn create_event(&self, title: &str, seats: u64) -> Result<BookableEvent, PortError>;

    /// The newest `limit` events, newest first.
    async fn events(&self, limit: usize) -> Result<Vec<BookableEvent>, PortError>;

    /// One event.
    async fn event(&self, id: EventId) -> Result<Option<BookableEvent>, PortError>;

    /// Books seats.
    async fn book(&self, booking: &NewBooking) -> Result<Booked, PortError>;

    /// Cancels a booking; `by`: only if it is theirs.
    async fn cancel(&self, booking: &BookingId, by: Option<&UserId>) -> Result<Cancelled, PortError>;

    /// The version of the event's newest change; 0 where nothing was changed or there is no such event.
    async fn version(&self, event: EventId) -> Result<u64, PortError>;

    /// Up to `limit` changes of the event above `after`, oldest first and without a gap; those that were brought more
    /// than a day ago may be missing.
    async fn changes(&self, event: EventId, after: u64, limit: usize) -> Result<Vec<SeatChange>, PortError>;

    /// Brings up to `limit` changes that nobody has brought yet, each event's in the order of their versions, and marks
    /// them. One caller at a time across all processes; another waits a moment, or finds nothing. A caller that dies
    /// under way leaves what it has not marked to the next one, who may bring the last few again. Returns how many.
    async fn relay(&self, courier: &dyn Courier, limit: usize) -> Result<usize, PortError>;

    /// Forgets changes that were brought before `before`. Returns how many.
    async fn prune(&self, before: Timestamp) -> Result<u64, PortError>;
}
