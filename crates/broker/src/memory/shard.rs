//! One shard: its rooms, its journal and its memory of client ids, changed together under one lock.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use domain::ports::{Delivery, PortError, Published, Span};
use domain::words::{Draft, Position, RoomId};
use tokio::time::Instant;

use super::queue::Queue;
use super::recent::{Name, Recent};
use super::room::{Listener, Room};
use super::{MemoryOptions, Numbering};

/// What a sender is told to wait when the journal is full.
const BACK_OFF: Duration = Duration::from_secs(1);

/// What every shard obeys.
pub(super) struct Rules {
    hot_log: usize,
    hot_entries: usize,
    journal_max_length: u64,
    dedupe_window: Duration,
    dedupe_names: usize,
    numbering: Numbering,
}

impl From<MemoryOptions> for Rules {
    fn from(options: MemoryOptions) -> Self {
        Self {
            hot_log: options.hot_log,
            hot_entries: options.hot_entries,
            journal_max_length: options.journal_max_length,
            dedupe_window: options.dedupe_window,
            dedupe_names: options.dedupe_names,
            numbering: options.numbering,
        }
    }
}

/// One shard's state. A room stays for ever once it had an event: its head must not be forgotten.
pub(super) struct Shard {
    rules: Arc<Rules>,
    rooms: HashMap<RoomId, Room, ahash::RandomState>,
    pub(super) queue: Queue,
    recent: Recent,
    // What the hot logs hold, oldest first, and what they have trimmed since; at most `hot_entries`.
    hot: VecDeque<(RoomId, Position)>,
}

impl Shard {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        let recent = Recent::new(rules.dedupe_window, rules.dedupe_names);
        Self { rules, rooms: HashMap::default(), queue: Queue::default(), recent, hot: VecDeque::new() }
    }

    /// The one atomic step: deduplicate, number, append to the journal and the hot log, deliver.
    pub(super) fn publish(&mut self, draft: Draft, now: Instant) -> Result<Published, PortError> {
        let name = Name::of(&draft);
        if let Some(first) = name.as_ref().and_then(|name| self.recent.find(name, now)) {
            return Ok(first);
        }
        if self.queue.len() >= self.rules.journal_max_length {
            return Err(PortError::Overloaded(BACK_OFF));
        }
        let room_id = draft.room.clone();
        let rules = self.rules.clone();
        let entry = self.room(&room_id).append(draft, rules.hot_log);
        let published = Published { position: entry.position, id: entry.draft.id, repeated: false };
        self.queue.push(entry.clone(), now);
        if let Some(name) = name {
            self.recent.remember(name, published, now);
        }
        self.hot.push_back((room_id.clone(), entry.position));
        self.cool(rules.hot_entries);
        // Last, and under the lock: every node hears the room in the order of its numbers.
        self.room(&room_id).deliver(&Delivery::Entry(entry));
        Ok(published)
    }

    /// Hands something without a number to the room's listeners, under the lock and so in its order.
    pub(super) fn tell(&self, room: &RoomId, delivery: &Delivery) {
        if let Some(room) = self.rooms.get(room) {
            room.deliver(delivery);
        }
    }

    pub(super) fn erase(&mut self, room: &RoomId, position: Position) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.erase(position);
        }
    }

    pub(super) fn listen(&mut self, room: &RoomId, listener: Listener) {
        self.room(room).listen(listener);
    }

    pub(super) fn hush(&mut self, room_id: &RoomId, handle: u64) {
        if let Some(room) = self.rooms.get_mut(room_id) {
            room.hush(handle);
            if room.is_untouched(self.rules.numbering.head(room_id)) {
                self.rooms.remove(room_id);
            }
        }
    }

    /// A node is gone.
    pub(super) fn hush_everywhere(&mut self, handle: u64) {
        let numbering = &self.rules.numbering;
        self.rooms.retain(|id, room| {
            room.hush(handle);
            !room.is_untouched(numbering.head(id))
        });
    }

    pub(super) fn after(&self, room: &RoomId, after: Position, limit: usize) -> Span {
        self.rooms.get(room).map_or_else(|| self.untouched(room), |room| room.after(after, limit))
    }

    pub(super) fn newest(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Span {
        self.rooms.get(room).map_or_else(|| self.untouched(room), |room| room.newest(before, limit))
    }

    fn untouched(&self, room: &RoomId) -> Span {
        Span { head: self.rules.numbering.head(room), oldest: None, entries: Vec::new() }
    }

    fn room(&mut self, id: &RoomId) -> &mut Room {
        let numbering = &self.rules.numbering;
        self.rooms.entry(id.clone()).or_insert_with(|| Room::new(numbering.head(id)))
    }

    fn cool(&mut self, hot_entries: usize) {
        while self.hot.len() > hot_entries {
            let Some((id, position)) = self.hot.pop_front() else { return };
            if let Some(room) = self.rooms.get_mut(&id) {
                room.forget(position);
            }
        }
    }
}

#[cfg(test)]
impl Shard {
    pub(super) fn rooms(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn is_bounded_by(&self, hot_entries: usize) -> bool {
        self.hot.len() <= hot_entries
    }
}
