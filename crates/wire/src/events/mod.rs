//! The `events` dialect: raw WebSocket, JSON objects; a client watches the seats of one event at a time.
//!
//! An event is always a number. Its clients hear of bookings and of nothing else that they did not ask for.

mod decode;
mod encode;

use bytes::Bytes;
use domain::dialect::{Answer, Dialect, Misread, Request};
use domain::words::{Event, EventId, Form, Joins, Profile, Refusal, RoomRef};

use crate::types::{Handler, Spec};

/// What clients of this dialect's door expect.
pub const PROFILE: Profile = Profile {
    name: "events",
    refusal: Refusal::Close { missing: "Authentication token required", bad: "Invalid authentication token" },
    warns_of_expiry: false,
    joins: Joins { own: false, chats: false, lobby: false },
    welcomes: true,
    shows_members: false,
    recovers: false,
    tells_stored: false,
    shows_users: false,
};

/// The types that clients of this door may send.
pub fn types() -> impl Iterator<Item = &'static Spec> {
    decode::TYPES.iter().map(Handler::spec)
}

/// The event that an address names, if it names one by its number.
pub fn watched(id: &str) -> Option<RoomRef> {
    let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let id = digits.then(|| id.parse().ok()).flatten()?;
    EventId::new(id).ok().map(feed)
}

fn feed(event: EventId) -> RoomRef {
    RoomRef { id: event.room(), form: Form::Number }
}

/// The translator of the `events` dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct Events;

impl Dialect for Events {
    fn slot(&self) -> usize {
        3
    }

    fn acknowledges(&self, _: Option<&str>) -> bool {
        false
    }

    fn inlines_history(&self) -> bool {
        false
    }

    fn decode(&self, frame: &[u8]) -> Result<Request, Misread> {
        decode::request(frame)
    }

    fn event(&self, event: &Event, _: Form) -> Option<Bytes> {
        encode::event(event)
    }

    fn answer(&self, answer: &Answer, reference: Option<&str>) -> Option<Bytes> {
        encode::answer(answer, reference)
    }
}
