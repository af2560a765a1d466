//! The `rooms` dialect: raw WebSocket, JSON objects, `join_room`, `leave_room` and `chat`.
//!
//! A room id is always a bare name in the namespace `room`. Its clients hear nothing that they did not
//! cause, except `chat`, `error`, `resync` and `reconnect`: no edits, no reactions, no acknowledgements.

mod decode;
mod encode;

use bytes::Bytes;
use domain::dialect::{Answer, Dialect, Misread, Request};
use domain::words::{Event, Form, Joins, Profile, Refusal};

use crate::types::{Handler, Spec};

/// What clients of this dialect's door expect.
pub const PROFILE: Profile = Profile {
    name: "rooms",
    refusal: Refusal::Close { missing: "Authentication token required", bad: "Invalid authentication token" },
    warns_of_expiry: false,
    joins: Joins { own: false, chats: false, lobby: false },
    welcomes: false,
    shows_members: false,
    recovers: false,
    tells_stored: false,
    shows_users: false,
};

/// The types that clients of this door may send.
pub fn types() -> impl Iterator<Item = &'static Spec> {
    decode::TYPES.iter().map(Handler::spec)
}

/// The translator of the `rooms` dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rooms;

impl Dialect for Rooms {
    fn slot(&self) -> usize {
        0
    }

    fn acknowledges(&self, _: Option<&str>) -> bool {
        false
    }

    fn inlines_history(&self) -> bool {
        true
    }

    fn decode(&self, frame: &[u8]) -> Result<Request, Misread> {
        decode::request(frame)
    }

    fn event(&self, event: &Event, form: Form) -> Option<Bytes> {
        encode::event(event, form)
    }

    fn answer(&self, answer: &Answer, reference: Option<&str>) -> Option<Bytes> {
        encode::answer(answer, reference)
    }
}
