//! The rooms that one connection is in, and what it may be shown of each now. No I/O.
//!
//! `proof`: what the client is known to have received.

mod proof;

pub(super) use proof::Places;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use ahash::RandomState;

use super::{Cursor, Parcel, Verdict};
use crate::words::{Code, ConnectionId, Event, Fault, Form, Namespace, Position, RoomId, RoomRef, UserId};

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
    // Joined by command; others do not count against the limit.
    by_command: bool,
    // The others see this client write here.
    typing: bool,
    // As far as the client is known to have come; `None` where it cannot come back to.
    proven: Option<Position>,
    // What is kept of that where every node can read it.
    kept: Option<Position>,
    // Where it will be known to have come to when it answers the last ping.
    pinged: Option<Position>,
}

impl Seat {
    fn new(form: Form, by_command: bool) -> Self {
        Self {
            form,
            cursor: Cursor::holding(Position { epoch: 0, seq: 0 }),
            held: VecDeque::new(),
            overflowed: false,
            joined: false,
            leaving: false,
            by_command,
            typing: false,
            proven: None,
            kept: None,
            pinged: None,
        }
    }

    fn hold(&mut self, parcel: &Arc<Parcel>) {
        if self.held.len() == HELD {
            self.held.clear();
            self.overflowed = true;
        }
        self.held.push_back(parcel.clone());
    }
}

/// Every room of one connection.
pub(super) struct Seats {
    owner: ConnectionId,
    user: UserId,
    // Boxed: a map has room for several entries from the first one on, and most clients are in one room.
    rooms: HashMap<RoomId, Box<Seat>, RandomState>,
    // Rooms whose cursor met a hole; each at most once per hole.
    ailing: VecDeque<RoomId>,
    // Rooms that the client was shown something of behind the place that is kept; each once.
    moved: Vec<RoomId>,
    // Pings that were sent, answers that came, and the ping whose answer proves what the seats remember.
    pings: u64,
    pongs: u64,
    awaited: Option<u64>,
    // Chats that the client left: it is not brought back into them without a command.
    left: HashSet<RoomId>,
    // Whether the client comes back to where it stood, so that it must be known.
    tracks: bool,
}

impl Seats {
    pub(super) fn new(owner: ConnectionId, user: UserId, tracks: bool) -> Self {
        Self {
            owner,
            user,
            rooms: HashMap::default(),
            ailing: VecDeque::new(),
            moved: Vec::new(),
            pings: 0,
            pongs: 0,
            awaited: None,
            left: HashSet::new(),
            tracks,
        }
    }

    // ---- joining and leaving ----

    /// Begins a join: the room's live flow is held back. Returns what a client that is in the room
    /// already has seen of it. `limit`: rooms that a connection may join, 0 for any number.
    pub(super) fn take(&mut self, room: &RoomRef, limit: usize) -> Result<Option<Position>, Fault> {
        self.left.remove(&room.id);
        if let Some(seat) = self.rooms.get_mut(&room.id) {
            seat.form = room.form;
            seat.cursor.hold();
            return Ok(Some(seat.cursor.place()));
        }
        let counted = self.rooms.values().filter(|seat| seat.by_command && !seat.leaving).count();
        if limit > 0 && counted >= limit {
            return Err(Fault::new(Code::TooManyRooms, format!("a connection joins at most {limit} rooms")));
        }
        self.rooms.insert(room.id.clone(), Box::new(Seat::new(room.form, true)));
        Ok(None)
    }

    /// Begins to enter a room that nobody asked for just now: whatever is shown of it is held back.
    pub(super) fn take_freely(&mut self, room: &RoomRef, by_command: bool) {
        self.rooms.entry(room.id.clone()).or_insert_with(|| Box::new(Seat::new(room.form, by_command)));
    }

    pub(super) fn contains(&self, room: &RoomId) -> bool {
        self.rooms.get(room).is_some_and(|seat| !seat.leaving)
    }

    /// Nothing of the room is shown any more. It stays on the list until its seat is given back, so that a
    /// connection that ends meanwhile does not forget it. `true`: the others see this client write there.
    pub(super) fn begin_leave(&mut self, room: &RoomId) -> bool {
        let Some(seat) = self.rooms.get_mut(room) else { return false };
        seat.leaving = true;
        if room.namespace() == Namespace::Chat {
            self.left.insert(room.clone());
        }
        std::mem::take(&mut seat.typing)
    }

    /// Whether the client is to be brought into a chat without a command.
    pub(super) fn wants(&mut self, room: &RoomId, anew: bool) -> bool {
        if anew {
            self.left.remove(room);
        }
        !self.contains(room) && !self.left.contains(room)
    }

    /// The same for every other room of the same namespace that was joined by command.
    pub(super) fn begin_leave_others(&mut self, room: &RoomId) -> Vec<(RoomId, bool)> {
        let other =
            |id: &RoomId, seat: &Seat| seat.by_command && id != room && id.namespace() == room.namespace();
        let others: Vec<_> =
            self.rooms.iter().filter(|(id, seat)| other(id, seat)).map(|(id, _)| id.clone()).collect();
        others.into_iter().map(|id| (id.clone(), self.begin_leave(&id))).collect()
    }

    /// The seats of all rooms that were being left are given back.
    pub(super) fn remove_left(&mut self) {
        let left: Vec<_> =
            self.rooms.iter().filter(|(_, seat)| seat.leaving).map(|(id, _)| id.clone()).collect();
        left.iter().for_each(|room| self.remove(room));
    }

    pub(super) fn remove(&mut self, room: &RoomId) {
        self.rooms.remove(room);
        self.moved.retain(|moved| moved != room);
    }

    /// The client was put out. `false`: it was not in the room, as far as it knows.
    pub(super) fn expel(&mut self, room: &RoomId) -> bool {
        let joined = self.rooms.get(room).is_some_and(|seat| seat.joined && !seat.leaving);
        self.remove(room);
        self.left.remove(room);
        joined
    }

    /// How the client named the room.
    pub(super) fn form(&self, room: &RoomId) -> Form {
        self.rooms.get(room).map_or(Form::Text, |seat| seat.form)
    }

    pub(super) fn into_rooms(self) -> Vec<RoomId> {
        self.rooms.into_keys().collect()
    }

    /// The feed that the client watches, if there is one.
    pub(super) fn watched(&self) -> Option<RoomId> {
        let watched = |room: &&RoomId| room.namespace() == Namespace::Event && self.contains(room);
        self.rooms.keys().find(watched).cloned()
    }

    /// The client begins or stops to write.
    pub(super) fn set_typing(&mut self, room: &RoomId, active: bool) {
        if let Some(seat) = self.rooms.get_mut(room) {
            seat.typing = active;
        }
    }

    /// Rooms whose others see this client write.
    pub(super) fn typing(&self) -> Vec<RoomId> {
        self.rooms.iter().filter(|(_, seat)| seat.typing).map(|(id, _)| id.clone()).collect()
    }

    // ---- the live flow ----

    /// Whether the client is shown this parcel now, and in which form.
    pub(super) fn admit(&mut self, parcel: &Arc<Parcel>) -> Option<Form> {
        let room = parcel.event().room();
        let seat = self.rooms.get_mut(room).filter(|seat| !seat.leaving)?;
        let verdict = match (parcel.event(), parcel.event().position()) {
            (Event::Resync { .. }, Some(position)) => seat.cursor.rebase(position),
            (_, Some(position)) => seat.cursor.judge(position),
            // What passes neither waits for a replay nor is missed.
            (_, None) if seat.joined => Verdict::Send,
            (_, None) => Verdict::Drop,
        };
        match verdict {
            Verdict::Send => {
                let shown = (!parcel.skips(self.owner, &self.user)).then_some(seat.form);
                self.note_moved(room);
                shown
            }
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
        if std::mem::take(&mut seat.overflowed) {
            // Frames were dropped: the first one that is left shows the hole.
            seat.held.drain(..seat.held.len().saturating_sub(1));
        }
        seat.joined = true;
        seat.cursor.go_live();
        std::mem::take(&mut seat.held)
    }

    /// A join failed: a room that was not joined before is left again, one that was goes on where it stood.
    pub(super) fn abandon(&mut self, room: &RoomId) -> VecDeque<Arc<Parcel>> {
        if self.rooms.get(room).is_some_and(|seat| seat.joined) {
            return self.release(room);
        }
        self.remove(room);
        VecDeque::new()
    }

    /// The room's flow must be replayed from where its cursor stands.
    pub(super) fn ail(&mut self, room: RoomId) {
        if let Some(seat) = self.rooms.get_mut(&room) {
            seat.joined = true;
            self.ailing.push_back(room);
        }
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

#[cfg(test)]
mod tests {
    use super::super::Skips;
    use super::*;

    fn room(name: &str) -> RoomRef {
        RoomRef { id: RoomId::new(Namespace::Room, name).unwrap(), form: Form::Text }
    }

    fn parcel(room: &RoomRef, seq: u64) -> Arc<Parcel> {
        Arc::new(Parcel::new(super::super::testing::message(&room.id, seq), Skips::Nobody))
    }

    fn at(seq: u64) -> Position {
        Position { epoch: 1, seq }
    }

    #[test]
    fn live_frames_wait_for_the_replay_and_repeats_of_it_are_dropped() {
        let (room, mut seats) =
            (room("r"), Seats::new(ConnectionId::new(), UserId::text("u").unwrap(), false));
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
        let (room, mut seats) =
            (room("r"), Seats::new(ConnectionId::new(), UserId::text("u").unwrap(), false));
        seats.take(&room, 0).unwrap();
        for seq in 1..=(HELD as u64 + 5) {
            seats.admit(&parcel(&room, seq));
        }
        assert!(!seats.advance(&room.id, at(0)));
        assert!(seats.advance(&room.id, at(0)));
    }

    #[test]
    fn a_hole_in_the_live_flow_calls_for_a_replay_from_the_cursor() {
        let (room, mut seats) =
            (room("r"), Seats::new(ConnectionId::new(), UserId::text("u").unwrap(), false));
        seats.take(&room, 0).unwrap();
        seats.advance(&room.id, at(4));
        seats.release(&room.id);
        assert_eq!(seats.admit(&parcel(&room, 6)), None);
        assert_eq!(seats.next_ailing(), Some((room.clone(), at(4))));
        assert_eq!(seats.next_ailing(), None);
    }

    #[test]
    fn the_limit_of_rooms_does_not_count_a_second_join() {
        let mut seats = Seats::new(ConnectionId::new(), UserId::text("u").unwrap(), false);
        seats.take(&room("a"), 1).unwrap();
        assert!(seats.take(&room("a"), 1).is_ok());
        assert_eq!(seats.take(&room("b"), 1).unwrap_err().code, Code::TooManyRooms);
    }

    #[test]
    fn a_failed_first_join_leaves_nothing_and_a_failed_second_one_leaves_the_first() {
        let (room, mut seats) =
            (room("r"), Seats::new(ConnectionId::new(), UserId::text("u").unwrap(), false));
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
