//! The `socketio` dialect: packets, and the two vocabularies that share one door.
//!
//! Which vocabulary a client hears in a room follows from the room's namespace: `chat:*` the one of chats,
//! `room:*` the one of live rooms, and in its own room what concerns its user. Frames are whole Engine.IO messages,
//! `4` included; what comes in is a packet without it.
//!
//! Where clients recover, every numbered event ends with one more argument: the place. Stock clients keep the
//! last one and hand it in when they come back.

pub mod packet;

mod decode;
mod encode;
mod place;

use bytes::Bytes;
use domain::dialect::{Answer, Dialect, Misread, Request};
use domain::words::{Event, Form, Joins, Position, Profile, Refusal, RoomId};

use crate::types::Spec;

/// What clients of this dialect's door expect. A bad token is refused while the namespace is entered, by
/// the door itself: `refusal` is not consulted.
pub const PROFILE: Profile = Profile {
    name: "socketio",
    refusal: Refusal::Unauthorized,
    warns_of_expiry: true,
    joins: Joins { own: true, chats: true, lobby: false },
    welcomes: true,
    shows_members: true,
    recovers: false,
    tells_stored: true,
    shows_users: false,
};

/// The same, where clients that come back are given what they missed.
pub const PROFILE_RECOVERING: Profile = Profile { recovers: true, ..PROFILE };

/// The events that clients of this door may send.
pub fn types() -> impl Iterator<Item = &'static Spec> {
    decode::specs()
}

/// The translator of the `socketio` dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct SocketIo {
    /// Whether numbered events carry their place.
    pub recovers: bool,
}

impl Dialect for SocketIo {
    fn slot(&self) -> usize {
        if self.recovers { 2 } else { 1 }
    }

    fn acknowledges(&self, reference: Option<&str>) -> bool {
        reference.is_some()
    }

    fn inlines_history(&self) -> bool {
        false
    }

    fn decode(&self, frame: &[u8]) -> Result<Request, Misread> {
        decode::request(frame)
    }

    fn event(&self, event: &Event, form: Form) -> Option<Bytes> {
        encode::event(event, form, self.recovers)
    }

    fn placed(&self, frame: &Bytes, places: &[(RoomId, Position)]) -> Bytes {
        if self.recovers { place::replaced(frame, places) } else { frame.clone() }
    }

    fn places(&self, text: &str) -> Option<Vec<(RoomId, Position)>> {
        place::read(text)
    }

    fn answer(&self, answer: &Answer, reference: Option<&str>) -> Option<Bytes> {
        encode::answer(answer, reference)
    }
}
