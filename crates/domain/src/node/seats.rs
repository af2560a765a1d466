//! The rooms that one connection is in, and what it may be shown of each now. No I/O.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;

use super::{Cursor, Parcel, Verdict};
use crate::words::{Code, ConnectionId, Event, Fault, Form, Position, RoomId, RoomRef};

/// Frames that may wait behind a replay; beyond it the replay reads them from the log again.
const HELD: usize = 256;

struct Seat {
    form: Form,
    cursor: Cursor,
    // At most `HELD` frames, and only while a replay runs.
    held: VecDeque<Arc<Parcel>>,
    overflowed: bool,
    // False until the first join has succeeded.
    joined: bool,
    // The seat is being given back: nothing more is shown.
    leaving: bool,
}

/// Every room of one connection.
pub(super) struct Seats {
    owner: ConnectionId,
    rooms: HashMap<RoomId, Seat, RandomState>,
    // Rooms whose cursor met a hole; each at most once per hole.
    ailing: VecDeque<RoomId>,
}

impl Seats {
    pub(super) fn new(owner: ConnectionId) -> Self {
        Self { owner, rooms: HashMap::default(), ailing: VecDeque::new() }
    }

    /// Begins a join: the room's live flow is held back. Returns what a client that is in the room
    /// already has seen of it. `limit`: rooms that a connection may join, 0 for any number.
    pub(super) fn take(&mut self, room: &RoomRef, limit: usize) -> Result<Option<Position>, Fault> {
        if let Some(seat) = self.rooms.get_mut(&room.id) {
            seat.form = room.form;
            seat.cursor.hold();
            return Ok(Some(seat.cursor.place()));
        }
        if limit > 0 && self.rooms.len() >= limit {
            return Err(Fault::new(Code::TooManyRooms, format!("a connection joins at most {limit} rooms")));
        }
        let cursor = Cursor::holding(Position { epoch: 0, seq: 0 });
        let seat = Seat {
            form: room.form,
            cursor,
            held: VecDeque::new(),
            overflowed: false,
            joined: false,
            leaving: false,
        };
        self.rooms.insert(room.id.clone(), seat);
        Ok(None)
    }

    pub(super) fn contains(&self, room: &RoomId) -> bool {
        self.rooms.get(room).is_some_and(|seat| !seat.leaving)
    }

    /// Nothing of the room is shown any more. It stays on the list until its seat is given back, so that a
    /// connection that ends meanwhile does not forget it.
    pub(super) fn begin_leave(&mut self, room: &RoomId) {
        if let Some(seat) = self.rooms.get_mut(room) {
            seat.leaving = true;
        }
    }

    pub(super) fn remove(&mut self, room: &RoomId) {
        self.rooms.remove(room);
    }

    /// How the client named the room.
    pub(super) fn form(&self, room: &RoomId) -> Form {
        self.rooms.get(room).map_or(Form::Text, |seat| seat.form)
    }

    pub(super) fn into_rooms(self) -> Vec<RoomId> {
        self.rooms.into_keys().collect()
    }

    /// Whether the client is shown this parcel now, and in which form.
    pub(super) fn admit(&mut self, parcel: &Arc<Parcel>) -> Option<Form> {
        let room = parcel.event().room();
        let seat = self.rooms.get_mut(room).filter(|seat| !seat.leaving)?;
        let position = parcel.event().position();
        let verdict = match parcel.event() {
            Event::Resync { .. } => seat.cursor.rebase(position),
            Event::Message(_)
            | Event::Edited(_)
            | Event::Deleted(_)
            | Event::Reacted(_)
            | Event::Unreacted(_) => seat.cursor.judge(position),
        };
        match verdict {
            Verdict::Send if parcel.skips(self.owner) => None,
            Verdict::Send => Some(seat.form),
            Verdict::Drop => None,
            Verdict::Hold => {
                seat.hold(parcel);
                None
            }
            Verdict::Heal => {
                seat.hold(parcel);
                self.ailing.push_back(room.clone());
                None
            }
        }
    }

    /// A replay has shown everything up to `at`. `false`: frames behind it had to be dropped meanwhile,
    /// so the replay must go on to the present head.
    pub(super) fn advance(&mut self, room: &RoomId, at: Position) -> bool {
        let Some(seat) = self.rooms.get_mut(room) else { return true };
        seat.cursor.advance(at);
        if std::mem::take(&mut seat.overflowed) {
            seat.held.clear();
            return false;
        }
        true
    }

    /// The room goes live from where its cursor stands; returns what waited, to be admitted in order.
    pub(super) fn release(&mut self, room: &RoomId) -> VecDeque<Arc<Parcel>> {
        let Some(seat) = self.rooms.get_mut(room) else { return VecDeque::new() };
        seat.joined = true;
        seat.cursor.go_live();
        std::mem::take(&mut seat.held)
    }

    /// A join failed: a room that was not joined before is left again, one that was goes on where it stood.
    pub(super) fn abandon(&mut self, room: &RoomId) -> VecDeque<Arc<Parcel>> {
        if self.rooms.get(room).is_some_and(|seat| seat.joined) {
            return self.release(room);
        }
        self.rooms.remove(room);
        VecDeque::new()
    }

    /// Whether a room's flow waits to be healed.
    pub(super) fn is_ailing(&self) -> bool {
        !self.ailing.is_empty()
    }

    /// The next room whose flow must be healed, and the place to begin at.
    pub(super) fn next_ailing(&mut self) -> Option<(RoomRef, Position)> {
        while let Some(room) = self.ailing.pop_front() {
            if let Some(seat) = self.rooms.get(&room).filter(|seat| seat.cursor.is_holding()) {
                return Some((RoomRef { id: room, form: seat.form }, seat.cursor.place()));
            }
        }
        None
    }
}

impl Seat {
    fn hold(&mut self, parcel: &Arc<Parcel>) {
        if self.held.len() == HELD {
            self.held.clear();
            self.overflowed = true;
        }
        self.held.push_back(parcel.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Namespace;

    fn room(name: &str) -> RoomRef {
        RoomRef { id: RoomId::new(Namespace::Room, name).unwrap(), form: Form::Text }
    }

    fn parcel(room: &RoomRef, seq: u64) -> Arc<Parcel> {
        Arc::new(Parcel::new(super::super::testing::message(&room.id, seq), None))
    }

    fn at(seq: u64) -> Position {
        Position { epoch: 1, seq }
    }

    #[test]
    fn live_frames_wait_for_the_replay_and_repeats_of_it_are_dropped() {
        let (room, mut seats) = (room("r"), Seats::new(ConnectionId::new()));
        assert_eq!(seats.take(&room, 0), Ok(None));
        for seq in 3..=6 {
            assert_eq!(seats.admit(&parcel(&room, seq)), None);
        }
        assert!(seats.advance(&room.id, at(4)));
        let shown = seats.release(&room.id).iter().filter(|parcel| seats.admit(parcel).is_some()).count();
        assert_eq!(shown, 2, "5 and 6 are shown; 3 and 4 were in the replay");
    }

    #[test]
    fn too_many_held_frames_make_the_replay_go_on_instead_of_growing() {
        let (room, mut seats) = (room("r"), Seats::new(ConnectionId::new()));
        seats.take(&room, 0).unwrap();
        for seq in 1..=(HELD as u64 + 5) {
            seats.admit(&parcel(&room, seq));
        }
        assert!(!seats.advance(&room.id, at(0)));
        assert!(seats.advance(&room.id, at(0)));
    }

    #[test]
    fn a_hole_in_the_live_flow_calls_for_a_replay_from_the_cursor() {
        let (room, mut seats) = (room("r"), Seats::new(ConnectionId::new()));
        seats.take(&room, 0).unwrap();
        seats.advance(&room.id, at(4));
        seats.release(&room.id);
        assert_eq!(seats.admit(&parcel(&room, 6)), None);
        assert_eq!(seats.next_ailing(), Some((room.clone(), at(4))));
        assert_eq!(seats.next_ailing(), None);
    }

    #[test]
    fn the_limit_of_rooms_does_not_count_a_second_join() {
        let mut seats = Seats::new(ConnectionId::new());
        seats.take(&room("a"), 1).unwrap();
        assert!(seats.take(&room("a"), 1).is_ok());
        assert_eq!(seats.take(&room("b"), 1).unwrap_err().code, Code::TooManyRooms);
    }

    #[test]
    fn a_failed_first_join_leaves_nothing_and_a_failed_second_one_leaves_the_first() {
        let (room, mut seats) = (room("r"), Seats::new(ConnectionId::new()));
        seats.take(&room, 0).unwrap();
        seats.abandon(&room.id);
        assert!(!seats.contains(&room.id));
        seats.take(&room, 0).unwrap();
        seats.advance(&room.id, at(1));
        seats.release(&room.id);
        seats.take(&room, 0).unwrap();
        seats.admit(&parcel(&room, 2));
        let waited = seats.abandon(&room.id);
        assert_eq!(waited.iter().filter(|parcel| seats.admit(parcel).is_some()).count(), 1);
    }
}
