//! What a scripted broker remembers: the rooms' logs, and who said what under which name.

use std::collections::HashMap;

use bytes::Bytes;
use domain::ports::{Published, Span};
use domain::{ClientId, Draft, Entry, Position, RoomId, Sealed, UserId};

pub(super) struct Memory {
    // Where a room stands in which nothing happened yet.
    pub(super) base: Position,
    logs: HashMap<RoomId, Vec<Entry>>,
    named: HashMap<(UserId, RoomId, ClientId), Published>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { base: Position::START, logs: HashMap::new(), named: HashMap::new() }
    }
}

impl Memory {
    pub(super) fn log(&self, room: &RoomId) -> &[Entry] {
        self.logs.get(room).map_or(&[][..], Vec::as_slice)
    }

    fn head(&self, room: &RoomId) -> Position {
        self.log(room).last().map_or(self.base, |newest| newest.position.max(self.base))
    }

    /// What became of the first draft under the same name.
    pub(super) fn known(&self, draft: &Draft) -> Option<Published> {
        self.named.get(&name(draft)?).copied()
    }

    pub(super) fn accept(&mut self, draft: Draft) -> Entry {
        let entry = Entry { position: self.head(&draft.room).next(), draft };
        if let Some(name) = name(&entry.draft) {
            let (position, id) = (entry.position, entry.draft.id);
            self.named.insert(name, Published { position, id, repeated: false });
        }
        self.logs.entry(entry.draft.room.clone()).or_default().push(entry.clone());
        entry
    }

    pub(super) fn span(&self, room: &RoomId, choose: impl Fn(&[Entry]) -> Vec<Entry>) -> Span {
        let log = self.log(room);
        let oldest = log.first().map(|entry| entry.position);
        Span { head: self.head(room), oldest, entries: choose(log) }
    }

    pub(super) fn erase(&mut self, room: &RoomId, position: Position) {
        let log = self.logs.entry(room.clone()).or_default();
        if let Some(entry) = log.iter_mut().find(|entry| entry.position == position) {
            entry.draft.body = Sealed { key: None, bytes: Bytes::new() };
        }
    }

    pub(super) fn trim(&mut self, room: &RoomId, kept: usize) {
        let log = self.logs.entry(room.clone()).or_default();
        log.drain(..log.len().saturating_sub(kept));
    }

    pub(super) fn come_back_empty(&mut self, base: Position) {
        self.base = base;
        self.logs.clear();
    }
}

fn name(draft: &Draft) -> Option<(UserId, RoomId, ClientId)> {
    Some((draft.author.user.clone(), draft.room.clone(), draft.client_id.clone()?))
}
