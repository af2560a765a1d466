//! A database in memory that can be away, or slow to answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::ports::{Appended, PortError, ShardLease, Store, StoredMessage};
use domain::{Entry, Position, RoomId};

use super::script::Script;

#[derive(Default)]
pub(crate) struct ScriptedStore {
    entries: Mutex<Vec<Entry>>,
    away: AtomicBool,
    /// Looks behind a position.
    pub(crate) looks: Script,
}

impl ScriptedStore {
    pub(crate) fn keep(&self, entry: Entry) {
        self.entries.lock().unwrap().push(entry);
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

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Vec<Entry>, PortError> {
        self.looks.turn().await?;
        self.present()?;
        Ok(self.of(room).into_iter().filter(|entry| entry.position > after).take(limit).collect())
    }

    async fn head(&self, room: &RoomId) -> Result<Option<Position>, PortError> {
        self.present()?;
        Ok(self.of(room).last().map(|entry| entry.position))
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
