//! Events with seats, bookings of them, and what is told of both.

use std::fmt;
use std::sync::Arc;

use rand::Rng;

use super::{InvalidId, Namespace, RoomId, Timestamp, UserId};

/// Integers up to 2^53 - 1 survive every JSON implementation.
const LARGEST: u64 = (1 << 53) - 1;

/// An event that seats are booked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u64);

impl EventId {
    /// A number from 0 to 2^53 - 1.
    pub fn new(id: u64) -> Result<Self, InvalidId> {
        if id > LARGEST {
            return Err(InvalidId("an event id is a whole number from 0 to 2^53 - 1"));
        }
        Ok(Self(id))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// Where its feed is heard: `event:{id}`.
    pub fn room(self) -> RoomId {
        RoomId::new(Namespace::Event, &self.0.to_string()).expect("digits are a legal name")
    }

    /// The event whose feed is heard in `room`, if it is one with a number.
    pub fn of_room(room: &RoomId) -> Option<Self> {
        let name = (room.namespace() == Namespace::Event).then(|| room.name())?;
        Self::new(name.parse().ok()?).ok().filter(|id| id.to_string() == name)
    }
}
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A booking: `BK-` and 20 characters of Crockford's base 32, at random.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BookingId(Arc<str>);

impl BookingId {
    /// A fresh one, of 100 random bits.
    pub fn fresh() -> Self {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut random = rand::rng();
        let text = (0..20).map(|_| char::from(DIGITS[random.random_range(0..DIGITS.len())]));
        Self(format!("BK-{}", text.collect::<String>()).into())
    }

    /// Parses `BK-` and 1 to 64 letters and digits.
    pub fn parse(id: &str) -> Result<Self, InvalidId> {
        let legal = |rest: &str| {
            (1..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        match id.strip_prefix("BK-") {
            Some(rest) if legal(rest) => Ok(Self(id.into())),
            Some(_) | None => Err(InvalidId("a booking id is BK- and letters and digits")),
        }
    }

    /// As it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for BookingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookableEvent {
    /// Its id.
    pub id: EventId,
    /// What it is called.
    pub title: String,
    /// Seats in all.
    pub total_seats: u64,
    /// Seats left.
    pub available_seats: u64,
}

/// What became of an event's seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatChangeKind {
    /// A booking took some.
    Booked,
    /// A cancelled booking gave some back.
    Cancelled,
}

impl SeatChangeKind {
    /// The name in the outbox.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
        }
    }

    /// The kind called `name`, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Booked, Self::Cancelled].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A change of an event's seats, with its place in the event's one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatChange {
    /// The event.
    pub event: EventId,
    /// Its place: 1 for the event's first change, and one more for each.
    pub version: u64,
    /// What happened.
    pub kind: SeatChangeKind,
    /// The booking.
    pub booking: BookingId,
    /// Whose booking it is.
    pub user: UserId,
    /// Seats left after it.
    pub available: u64,
    /// When it was committed, by the database's clock.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_one_feed_and_a_feed_one_event() {
        let event = EventId::new(7).unwrap();
        assert_eq!(event.room().key(), "event:7");
        assert_eq!(EventId::of_room(&event.room()), Some(event));
        for other in ["event:07", "event:x", "event:-1", "event:9007199254740992", "room:7"] {
            assert_eq!(EventId::of_room(&RoomId::parse(other).unwrap()), None, "{other}");
        }
    }

    #[test]
    fn a_booking_id_is_told_from_anything_else() {
        let fresh = BookingId::fresh();
        assert_eq!(BookingId::parse(fresh.as_str()).unwrap(), fresh);
        for other in ["", "BK-", "BK", "bk-1", "BK-a b", "BK-\0", "BK-ä"] {
            assert!(BookingId::parse(other).is_err(), "{other:?}");
        }
    }
}
