//! A broker in memory whose looks, deliveries and memory do what a test says.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Broker, Delivery, Inbox, PortError, Published, Sealer, Span};
use domain::seal::Unsealed;
use domain::{Author, Content, Draft, Entry, Kind, MessageId, Position, RoomId, Timestamp, UserId};

use super::script::Script;

#[derive(Default)]
pub(crate) struct ScriptedBroker {
    inbox: OnceLock<Arc<dyn Inbox>>,
    memory: Mutex<Memory>,
    /// Looks at a room's head, held back with the answer in hand.
    pub(crate) heads: Script,
    /// Looks at a room's newest page, held back with the answer in hand.
    pub(crate) pages: Script,
    /// Looks behind a position, held back with the answer in hand.
    pub(crate) looks: Script,
    /// Subscriptions, held back before anything is done.
    pub(crate) subscriptions: Script,
    /// Publications, held back before anything is done.
    pub(crate) publications: Script,
}

struct Memory {
    // Where a room stands in which nothing happened yet.
    base: Position,
    logs: HashMap<RoomId, Vec<Entry>>,
    subscribed: HashSet<RoomId>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { base: Position::START, logs: HashMap::new(), subscribed: HashSet::new() }
    }
}

impl Memory {
    fn head(&self, room: &RoomId) -> Position {
        let newest = self.logs.get(room).and_then(|log| log.last()).map(|entry| entry.position);
        newest.map_or(self.base, |newest| newest.max(self.base))
    }

    fn accept(&mut self, draft: Draft) -> Entry {
        let entry = Entry { position: self.head(&draft.room).next(), draft };
        self.logs.entry(entry.draft.room.clone()).or_default().push(entry.clone());
        entry
    }

    fn span(&self, room: &RoomId, choose: impl Fn(&[Entry]) -> Vec<Entry>) -> Span {
        let log = self.logs.get(room).map_or(&[][..], Vec::as_slice);
        let oldest = log.first().map(|entry| entry.position);
        Span { head: self.head(room), oldest, entries: choose(log) }
    }
}

impl ScriptedBroker {
    /// Accepts a message; its delivery is lost, or comes later by [`Self::deliver`].
    pub(crate) fn accept(&self, room: &RoomId, text: &str) -> Entry {
        let id = MessageId::new();
        let draft = Draft {
            room: room.clone(),
            id,
            kind: Kind::Message,
            target: None,
            author: Author { user: UserId::text("somebody").unwrap(), name: None },
            client_id: None,
            sent_at: Timestamp(0),
            origin: None,
            body: Unsealed.seal(room, id, &Content::text(text).to_bytes()),
        };
        self.memory.lock().unwrap().accept(draft)
    }

    /// Hands an entry to the node, if it is subscribed.
    pub(crate) fn deliver(&self, entry: Entry) {
        let subscribed = self.is_subscribed(&entry.draft.room);
        if let Some(inbox) = self.inbox.get().filter(|_| subscribed) {
            inbox.deliver(Delivery::Entry(entry));
        }
    }

    /// Accepts a message and delivers it at once.
    pub(crate) fn say(&self, room: &RoomId, text: &str) -> Entry {
        let entry = self.accept(room, text);
        self.deliver(entry.clone());
        entry
    }

    /// Says that deliveries may have been lost.
    pub(crate) fn doubt(&self) {
        self.inbox.get().expect("a node is attached").deliver(Delivery::Suspect);
    }

    /// Comes back without its memory; every room goes on behind `base`. Subscriptions are made again.
    pub(crate) fn come_back_empty(&self, base: Position) {
        let mut memory = self.memory.lock().unwrap();
        memory.base = base;
        memory.logs.clear();
    }

    /// Comes back with its logs, but not sure of them: every room goes on behind `base`, in a new epoch.
    pub(crate) fn begin_epoch(&self, base: Position) {
        self.memory.lock().unwrap().base = base;
    }

    /// The hot log keeps the newest `kept` entries only.
    pub(crate) fn trim(&self, room: &RoomId, kept: usize) {
        let mut memory = self.memory.lock().unwrap();
        let log = memory.logs.entry(room.clone()).or_default();
        log.drain(..log.len().saturating_sub(kept));
    }

    pub(crate) fn is_subscribed(&self, room: &RoomId) -> bool {
        self.memory.lock().unwrap().subscribed.contains(room)
    }
}

#[async_trait]
impl Broker for ScriptedBroker {
    async fn publish(&self, draft: Draft) -> Result<Published, PortError> {
        self.publications.turn().await?;
        let entry = self.memory.lock().unwrap().accept(draft);
        self.deliver(entry.clone());
        Ok(Published { position: entry.position, id: entry.draft.id, repeated: false })
    }

    async fn subscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.subscriptions.turn().await?;
        self.memory.lock().unwrap().subscribed.insert(room.clone());
        Ok(())
    }

    async fn unsubscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.memory.lock().unwrap().subscribed.remove(room);
        Ok(())
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Span, PortError> {
        let behind =
            |log: &[Entry]| log.iter().filter(|entry| entry.position > after).take(limit).cloned().collect();
        let span = self.memory.lock().unwrap().span(room, behind);
        self.looks.turn().await?;
        Ok(span)
    }

    async fn newest(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Result<Span, PortError> {
        let newest = |log: &[Entry]| {
            let below = |entry: &&Entry| before.is_none_or(|before| entry.position.seq < before);
            let mut page: Vec<Entry> = log.iter().rev().filter(below).take(limit).cloned().collect();
            page.reverse();
            page
        };
        let span = self.memory.lock().unwrap().span(room, newest);
        let script = if limit == 0 { &self.heads } else { &self.pages };
        script.turn().await?;
        Ok(span)
    }

    fn attach(&self, inbox: Arc<dyn Inbox>) {
        assert!(self.inbox.set(inbox).is_ok(), "attached twice");
    }

    fn probe_age(&self) -> Option<Duration> {
        None
    }
}
