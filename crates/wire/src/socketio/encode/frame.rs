//! The text around an event's or an answer's object, written with it into one buffer.

use std::io::Write;

use bytes::Bytes;
use domain::words::{Position, RoomId};
use serde::Serialize;

use crate::json;
use crate::socketio::place;

/// What the object of a short frame takes at most, in bytes; longer ones grow.
pub(super) const SHORT: usize = 256;
/// What stands around the object, in bytes.
const AROUND: usize = 32;

/// What one event's frame ends with.
#[derive(Clone, Copy)]
pub(super) struct Outlet<'a> {
    /// Where the client stands once it has the event; `None`: it is not told.
    pub(super) place: Option<(&'a RoomId, Position)>,
}

impl Outlet<'_> {
    /// An event that tells nobody where they stand.
    pub(super) const PLAIN: Self = Self { place: None };

    /// `42["name",{…}]` or `42["name",{…},"place"]`, in a buffer that begins with room for an object of `capacity` bytes.
    pub(super) fn event(self, capacity: usize, name: &'static str, object: &impl Serialize) -> Bytes {
        let place = self.place.map_or(0, |(room, _)| place::size(room));
        let mut buffer = Vec::with_capacity(AROUND + capacity + place);
        buffer.extend_from_slice(b"42[\"");
        buffer.extend_from_slice(name.as_bytes());
        buffer.extend_from_slice(b"\",");
        json::write(&mut buffer, object);
        if let Some((room, position)) = self.place {
            place::write(&mut buffer, room, position);
        }
        buffer.push(b']');
        buffer.into()
    }
}

/// `43<reference>[{…}]`: what the client's callback is called with.
pub(super) fn acknowledgement(reference: &str, object: &impl Serialize) -> Bytes {
    let mut buffer = Vec::with_capacity(AROUND + SHORT);
    write!(buffer, "43{reference}[").expect("a buffer takes every byte");
    json::write(&mut buffer, object);
    buffer.push(b']');
    buffer.into()
}

/// `40{…}`: the namespace is entered.
pub(super) fn connected(object: &impl Serialize) -> Bytes {
    let mut buffer = Vec::with_capacity(SHORT);
    buffer.extend_from_slice(b"40");
    json::write(&mut buffer, object);
    buffer.into()
}
