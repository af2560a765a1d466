//! The `hub` dialect: raw WebSocket, JSON objects, every kind of room, and types of an embedder's own.
//!
//! Whatever is refused or done is answered, with the client's mark where it gave one. A frame that is no JSON is a
//! text for the lobby.

mod decode;
mod encode;
mod room;

use bytes::Bytes;
use domain::dialect::{Answer, Dialect, Misread, Request};
use domain::words::{Event, Form, Joins, Profile, Refusal};

use crate::types::Registry;

pub(crate) use decode::TYPES;

/// What clients of this dialect's door expect.
pub const PROFILE: Profile = Profile {
    name: "hub",
    refusal: Refusal::Unauthorized,
    warns_of_expiry: true,
    joins: Joins { own: true, chats: false, lobby: true },
    welcomes: true,
    shows_members: true,
    recovers: false,
    tells_stored: true,
    shows_users: true,
};

/// The translator of the `hub` dialect.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    registry: Registry,
}

impl Hub {
    /// A hub whose clients may send the types of this registry.
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }

    /// The types that clients may send.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl Dialect for Hub {
    fn slot(&self) -> usize {
        4
    }

    fn acknowledges(&self, _: Option<&str>) -> bool {
        true
    }

    fn inlines_history(&self) -> bool {
        true
    }

    fn decode(&self, frame: &[u8]) -> Result<Request, Misread> {
        decode::request(frame, &self.registry)
    }

    fn event(&self, event: &Event, form: Form) -> Option<Bytes> {
        encode::event(event, form)
    }

    fn answer(&self, answer: &Answer, reference: Option<&str>) -> Option<Bytes> {
        Some(encode::answer(answer, reference))
    }
}
