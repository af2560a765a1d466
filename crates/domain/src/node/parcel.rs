//! One event on its way to many clients: encoded once per dialect and form, then shared.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::dialect::{DIALECTS, Dialect};
use crate::words::{ConnectionId, Content, Event, Form, Position, RoomId, Sign, UserId};

/// What a parcel weighs beside its text: names, ids, braces.
const ENVELOPE: usize = 160;

/// Who is not shown a parcel, though it moves them on in the room's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skips {
    /// Everybody is shown it.
    Nobody,
    /// The connection that it came by.
    Connection(ConnectionId),
    /// Every connection of the user whose doing it is.
    User(UserId),
}

/// A room event shared by every member on this node. The first session of each dialect encodes it.
#[derive(Debug)]
pub struct Parcel {
    event: Event,
    skips: Skips,
    weight: usize,
    frames: [OnceLock<Option<Bytes>>; DIALECTS * Form::COUNT],
}

impl Parcel {
    /// A parcel that every member hears, except whom it skips.
    pub fn new(event: Event, skips: Skips) -> Self {
        let text = match &event {
            Event::Message(message) => message.content.as_ref().map_or(0, Content::weight),
            Event::Edited(change)
            | Event::Deleted(change)
            | Event::Reacted(change)
            | Event::Unreacted(change) => change.content.as_ref().map_or(0, Content::weight),
            Event::Resync { .. } => 0,
            Event::Sign { sign, .. } => weight(sign),
        };
        Self { event, skips, weight: ENVELOPE + text, frames: Default::default() }
    }

    /// The announcement of a new epoch, which everyone hears.
    pub fn resync(room: RoomId, position: Position) -> Self {
        Self::new(Event::Resync { room, position }, Skips::Nobody)
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Whether this connection of `user` moves on in the room's order without being shown this.
    pub fn skips(&self, connection: ConnectionId, user: &UserId) -> bool {
        match &self.skips {
            Skips::Nobody => false,
            Skips::Connection(skipped) => *skipped == connection,
            Skips::User(skipped) => skipped == user,
        }
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

/// About what a sign takes as text beside its envelope.
fn weight(sign: &Sign) -> usize {
    match sign {
        Sign::Typing { .. }
        | Sign::Read { .. }
        | Sign::Status { .. }
        | Sign::Attendance { .. }
        | Sign::Seats(_) => 0,
        Sign::Members { members, came, left, .. } => (members.len() + came.len() + left.len()) * 64,
        Sign::Announcement(announcement) => announcement.message.len(),
        Sign::Signal(signal) => signal.data.len(),
    }
}
