//! What the client is known to have received, and what of that is kept for its coming back.

use super::Seats;
use crate::node::opening::Way;
use crate::words::{Position, RoomId, RoomRef};

/// Places in rooms; one per room.
pub(in crate::node) type Places = Vec<(RoomId, Position)>;

impl Seats {
    /// The client is in the room from here on; `at`: where the room's order stands, if it has one.
    pub(in crate::node) fn begin_at(&mut self, room: &RoomId, at: Option<Position>) {
        if let Some(seat) = self.rooms.get_mut(room) {
            seat.cursor.advance(at.unwrap_or(seat.cursor.place()));
            seat.proven = seat.proven.max(at);
        }
    }

    /// A join begins here. `true`: it must be kept that the client is in the room; one that was in it before proves
    /// nothing by joining again.
    pub(in crate::node) fn prove_start(&mut self, room: &RoomId, at: Position) -> bool {
        let Some(seat) = self.rooms.get_mut(room) else { return false };
        seat.proven.get_or_insert(at);
        seat.kept.is_none()
    }

    /// A replay is showing the client everything up to `at`.
    pub(in crate::node) fn reach(&mut self, room: &RoomId, at: Position) {
        if let Some(seat) = self.rooms.get_mut(room) {
            seat.cursor.advance(at);
            self.note_moved(room);
        }
    }

    pub(super) fn note_moved(&mut self, room: &RoomId) {
        if !self.tracks {
            return;
        }
        let moved = self.rooms.get(room).is_some_and(|seat| seat.kept < Some(seat.cursor.place()));
        if moved && !self.moved.contains(room) {
            self.moved.push(room.clone());
        }
    }

    /// Whether the client was shown anything behind the place that is kept.
    pub(in crate::node) fn has_moved(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Where the client stands in rooms other than this one, as far as that is not kept.
    pub(in crate::node) fn moved_beside(&self, room: &RoomId) -> Vec<(RoomId, Position)> {
        let beside = self.moved.iter().filter(|moved| *moved != room);
        beside.filter_map(|moved| Some((moved.clone(), self.rooms.get(moved)?.cursor.place()))).collect()
    }

    /// A ping is on its way behind everything that was shown.
    pub(in crate::node) fn pinged(&mut self) {
        self.pings += 1;
        if self.awaited.is_some() {
            // The answer to the earlier one proves less, and is waited for first.
            return;
        }
        self.awaited = Some(self.pings);
        for room in &self.moved {
            if let Some(seat) = self.rooms.get_mut(room) {
                seat.pinged = Some(seat.cursor.place());
            }
        }
    }

    /// A ping is answered; answers come in the order of the pings.
    pub(in crate::node) fn ponged(&mut self) {
        self.pongs = self.pings.min(self.pongs + 1);
        if self.awaited.is_none_or(|awaited| self.pongs < awaited) {
            return;
        }
        self.awaited = None;
        for room in &self.moved {
            if let Some(seat) = self.rooms.get_mut(room) {
                seat.proven = seat.proven.max(seat.pinged.take());
            }
        }
    }

    /// These places are kept now.
    pub(in crate::node) fn kept(&mut self, places: Vec<(RoomId, Position)>) {
        for (room, place) in places {
            if let Some(seat) = self.rooms.get_mut(&room) {
                seat.kept = seat.kept.max(Some(place));
            }
        }
        let rooms = &self.rooms;
        self.moved.retain(|room| rooms.get(room).is_some_and(|seat| seat.kept < Some(seat.cursor.place())));
    }

    /// Nothing could be kept of where the client begins: it must be told of every room.
    pub(in crate::node) fn not_kept(&mut self) {
        let unkept = self.rooms.iter().filter(|(_, seat)| seat.kept < seat.proven).map(|(id, _)| id.clone());
        self.moved = unkept.collect();
    }

    /// The rooms that the client comes back to, and where.
    pub(in crate::node) fn ways(&self) -> Vec<Way> {
        let kept = self.rooms.iter().filter(|(_, seat)| seat.proven.is_some() && !seat.leaving);
        kept.map(|(id, seat)| Way {
            room: RoomRef { id: id.clone(), form: seat.form },
            from: seat.proven,
            by_command: seat.by_command,
        })
        .collect()
    }
}
