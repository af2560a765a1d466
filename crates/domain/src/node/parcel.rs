//! One event on its way to many clients: encoded once per dialect and form, then shared.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::dialect::{DIALECTS, Dialect};
use crate::words::{ConnectionId, Content, Event, Form, Position, RoomId};

/// What a parcel weighs beside its text: names, ids, braces.
const ENVELOPE: usize = 160;

/// A room event shared by every member on this node. The first session of each dialect encodes it.
#[derive(Debug)]
pub struct Parcel {
    event: Event,
    skips: Option<ConnectionId>,
    weight: usize,
    frames: [OnceLock<Option<Bytes>>; DIALECTS * Form::COUNT],
}

impl Parcel {
    /// A parcel that every member hears, except the connection `skips`.
    pub fn new(event: Event, skips: Option<ConnectionId>) -> Self {
        let text = match &event {
            Event::Message(message) => message.content.as_ref().map_or(0, Content::weight),
            Event::Edited(change)
            | Event::Deleted(change)
            | Event::Reacted(change)
            | Event::Unreacted(change) => change.content.as_ref().map_or(0, Content::weight),
            Event::Resync { .. } => 0,
        };
        Self { event, skips, weight: ENVELOPE + text, frames: Default::default() }
    }

    /// The announcement of a new epoch, which everyone hears.
    pub fn resync(room: RoomId, position: Position) -> Self {
        Self::new(Event::Resync { room, position }, None)
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Whether `connection` moves on in the room's order without being shown this.
    pub fn skips(&self, connection: ConnectionId) -> bool {
        self.skips == Some(connection)
    }

    /// Its share of an outbound queue's budget, in bytes. Close to its length in any dialect.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Its text in a dialect; `None`: that dialect's clients do not hear of it.
    pub fn frame(&self, dialect: &dyn Dialect, form: Form) -> Option<Bytes> {
        let slot = dialect.slot() * Form::COUNT + form.slot();
        self.frames[slot].get_or_init(|| dialect.event(&self.event, form)).clone()
    }
}
