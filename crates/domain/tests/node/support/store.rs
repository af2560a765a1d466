//! A database in memory that can be away, or slow to answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::ports::{Appended, Located, PortError, ShardLease, Store, StoredMessage};
use domain::{Entry, Kind, MessageId, Position, RoomId};

use super::script::Script;

#[derive(Default)]
pub(crate) struct ScriptedStore {
    entries: Mutex<Vec<Entry>>,
    head: Mutex<Option<Position>>,
    away: AtomicBool,
    /// How often the heads of some rooms were asked for.
    pub(crate) asked: AtomicUsize,
    /// Looks behind a position.
    pub(crate) looks: Script,
}

impl ScriptedStore {
    pub(crate) fn keep(&self, entry: Entry) {
        self.entries.lock().unwrap().push(entry);
    }

    /// The database is known to have come this far, and has nothing of what lies before.
    pub(crate) fn keep_head(&self, head: Position) {
        *self.head.lock().unwrap() = Some(head);
    }

    pub(crate) fn go_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn present(&self) -> Result<(), PortError> {
        let away = self.away.load(Ordering::SeqCst);
        if away { Err(PortError::Unavailable("the database is away".into())) } else { Ok(()) }
    }

    fn of(&self, room: &RoomId) -> Vec<Entry> {
        self.entries.lock().unwrap().iter().filter(|entry| entry.draft.room == *room).cloned().collect()
    }
}

#[async_trait]
impl Store for ScriptedStore {
    async fn append(&self, _: &[ShardLease], entries: &[Entry]) -> Result<Vec<Appended>, PortError> {
        self.present()?;
        entries.iter().cloned().for_each(|entry| self.keep(entry));
        Ok(vec![Appended::Stored; entries.len()])
    }

    async fn page(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        self.present()?;
        let below = |entry: &Entry| before.is_none_or(|before| entry.position.seq < before);
        let mut page: Vec<Entry> = self.of(room).into_iter().rev().filter(below).take(limit).collect();
        page.reverse();
        Ok(page.into_iter().map(stored).collect())
    }

    async fn forward(
        &self,
        room: &RoomId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        self.present()?;
        let above = |entry: &Entry| entry.position.seq > after && entry.draft.kind == Kind::Message;
        Ok(self.of(room).into_iter().filter(above).take(limit).map(stored).collect())
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Vec<Entry>, PortError> {
        let found = self.of(room).into_iter().filter(|entry| entry.position > after).take(limit).collect();
        self.looks.turn().await?;
        self.present().map(|()| found)
    }

    async fn head(&self, room: &RoomId) -> Result<Option<Position>, PortError> {
        self.present()?;
        let known = *self.head.lock().unwrap();
        Ok(self.of(room).last().map(|entry| entry.position).max(known))
    }

    async fn heads_of(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Position)>, PortError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.present()?;
        let newest = |room: &RoomId| Some((room.clone(), self.of(room).last()?.position));
        Ok(rooms.iter().filter_map(newest).collect())
    }

    async fn locate(&self, id: MessageId) -> Result<Option<Located>, PortError> {
        self.present()?;
        let entries = self.entries.lock().unwrap();
        let Some(entry) = entries.iter().find(|entry| entry.draft.id == id) else { return Ok(None) };
        let withdraws = |entry: &Entry| entry.draft.kind == Kind::Delete && entry.draft.target == Some(id);
        Ok(Some(Located {
            room: entry.draft.room.clone(),
            position: entry.position,
            kind: entry.draft.kind,
            author: entry.draft.author.user.clone(),
            sent_at: entry.draft.sent_at,
            deleted: entries.iter().any(withdraws),
        }))
    }

    async fn reactions(&self, room: &RoomId, target: MessageId) -> Result<Vec<Entry>, PortError> {
        self.present()?;
        let reacts = |entry: &Entry| matches!(entry.draft.kind, Kind::React | Kind::Unreact);
        let mut entries = self.of(room);
        entries.retain(|entry| reacts(entry) && entry.draft.target == Some(target));
        Ok(entries)
    }

    async fn heads(&self) -> Result<Vec<(RoomId, Position)>, PortError> {
        Ok(Vec::new())
    }

    async fn begins(&self, _: &str) -> Result<bool, PortError> {
        Ok(true)
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.present()
    }
}

fn stored(entry: Entry) -> StoredMessage {
    StoredMessage {
        position: entry.position,
        id: entry.draft.id,
        author: entry.draft.author,
        client_id: entry.draft.client_id,
        sent_at: entry.draft.sent_at,
        edited_at: None,
        deleted_at: None,
        body: entry.draft.body,
    }
}
