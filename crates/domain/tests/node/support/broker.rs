//! One node's end of a broker in memory whose looks, deliveries and memory do what a test says. Several nodes may
//! share one memory; a room's entries and what passes in it are delivered to every subscribed node, in one order.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Broker, Delivery, Inbox, PortError, Published, Sealer, Span};
use domain::seal::Unsealed;
use domain::{Author, Content, Draft, Entry, Kind, MessageId, Passing, Position, RoomId, Timestamp, UserId};

use super::memory::Memory;
use super::script::Script;

/// What all nodes share.
#[derive(Default)]
struct Sea {
    memory: Mutex<Memory>,
    nodes: Mutex<Vec<Weak<ScriptedBroker>>>,
}

#[derive(Default)]
pub(crate) struct ScriptedBroker {
    sea: Arc<Sea>,
    inbox: OnceLock<Arc<dyn Inbox>>,
    subscribed: Mutex<HashSet<RoomId>>,
    // Deliveries that are on their way for as long as a test wants.
    late: Mutex<Option<Vec<Delivery>>>,
    dead: AtomicBool,
    /// Looks at a room's head, held back with the answer in hand.
    pub(crate) heads: Script,
    /// Looks at a room's newest page, held back with the answer in hand.
    pub(crate) pages: Script,
    /// Looks behind a position, held back with the answer in hand.
    pub(crate) looks: Script,
    /// Subscriptions, held back before anything is done.
    pub(crate) subscriptions: Script,
    /// Ends of subscriptions, held back once they are done.
    pub(crate) farewells: Script,
    /// Publications, held back before anything is done.
    pub(crate) publications: Script,
    /// What passes, held back before anything is done.
    pub(crate) passings: Script,
}

impl ScriptedBroker {
    pub(crate) fn new() -> Arc<Self> {
        Self::on(Arc::default())
    }

    /// Another node's end of the same broker.
    pub(crate) fn beside(&self) -> Arc<Self> {
        Self::on(self.sea.clone())
    }

    fn on(sea: Arc<Sea>) -> Arc<Self> {
        let broker = Arc::new(Self { sea, ..Self::default() });
        broker.sea.nodes.lock().unwrap().push(Arc::downgrade(&broker));
        broker
    }

    fn memory<T>(&self, look: impl FnOnce(&mut Memory) -> T) -> T {
        look(&mut self.sea.memory.lock().unwrap())
    }

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
        self.memory(|memory| memory.accept(draft))
    }

    /// Hands an entry to every node that is subscribed.
    pub(crate) fn deliver(&self, entry: Entry) {
        let room = entry.draft.room.clone();
        self.tell(&room, &Delivery::Entry(entry));
    }

    /// Accepts a message and delivers it at once.
    pub(crate) fn say(&self, room: &RoomId, text: &str) -> Entry {
        let entry = self.accept(room, text);
        self.deliver(entry.clone());
        entry
    }

    /// Tells every node that is subscribed to the room.
    pub(crate) fn tell(&self, room: &RoomId, delivery: &Delivery) {
        self.each(|node| {
            if node.is_subscribed(room) {
                node.hand(delivery.clone());
            }
        });
    }

    /// Tells every node.
    pub(crate) fn tell_all(&self, delivery: &Delivery) {
        self.each(|node| node.hand(delivery.clone()));
    }

    /// Nodes that have not died.
    pub(crate) fn live(&self) -> u64 {
        let nodes = self.sea.nodes.lock().unwrap();
        nodes.iter().filter_map(Weak::upgrade).filter(|node| !node.dead.load(Ordering::SeqCst)).count() as u64
    }

    fn each(&self, each: impl Fn(&Self)) {
        let nodes = self.sea.nodes.lock().unwrap().clone();
        nodes.iter().filter_map(Weak::upgrade).for_each(|node| each(&node));
    }

    fn hand(&self, delivery: Delivery) {
        if let Some(late) = &mut *self.late.lock().unwrap() {
            return late.push(delivery);
        }
        if let Some(inbox) = self.inbox.get().filter(|_| !self.dead.load(Ordering::SeqCst)) {
            inbox.deliver(delivery);
        }
    }

    /// From now on deliveries to this node are on their way, until [`Self::catch_up`].
    pub(crate) fn fall_behind(&self) {
        self.late.lock().unwrap().get_or_insert_default();
    }

    /// What was on its way arrives, in order.
    pub(crate) fn catch_up(&self) {
        let late = self.late.lock().unwrap().take().unwrap_or_default();
        late.into_iter().for_each(|delivery| self.hand(delivery));
    }

    /// What passed in this room and is on its way is lost.
    pub(crate) fn lose_late_whispers(&self, room: &RoomId) {
        let is_lost =
            |delivery: &Delivery| matches!(delivery, Delivery::Passing(passing) if passing.room == *room);
        self.late.lock().unwrap().iter_mut().for_each(|late| late.retain(|delivery| !is_lost(delivery)));
    }

    /// What was on its way is lost.
    pub(crate) fn lose_what_is_late(&self) {
        *self.late.lock().unwrap() = None;
    }

    /// The node is gone: nothing reaches it any more.
    pub(crate) fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    /// Says that deliveries may have been lost.
    pub(crate) fn doubt(&self) {
        self.inbox.get().expect("a node is attached").deliver(Delivery::Suspect);
    }

    /// Comes back without its memory; every room goes on behind `base`. Subscriptions are made again.
    pub(crate) fn come_back_empty(&self, base: Position) {
        self.memory(|memory| memory.come_back_empty(base));
    }

    /// Comes back with its logs, but not sure of them: every room goes on behind `base`, in a new epoch.
    pub(crate) fn begin_epoch(&self, base: Position) {
        self.memory(|memory| memory.base = base);
    }

    /// The hot log keeps the newest `kept` entries only.
    pub(crate) fn trim(&self, room: &RoomId, kept: usize) {
        self.memory(|memory| memory.trim(room, kept));
    }

    /// The hot log.
    pub(crate) fn log(&self, room: &RoomId) -> Vec<Entry> {
        self.memory(|memory| memory.log(room).to_vec())
    }

    pub(crate) fn is_subscribed(&self, room: &RoomId) -> bool {
        self.subscribed.lock().unwrap().contains(room)
    }
}

#[async_trait]
impl Broker for ScriptedBroker {
    async fn publish(&self, draft: Draft) -> Result<Published, PortError> {
        self.publications.turn().await?;
        let known = self.memory(|memory| memory.known(&draft));
        if let Some(first) = known {
            return Ok(Published { repeated: true, ..first });
        }
        let entry = self.memory(|memory| memory.accept(draft));
        self.deliver(entry.clone());
        Ok(Published { position: entry.position, id: entry.draft.id, repeated: false })
    }

    async fn pass(&self, passing: Passing) -> Result<(), PortError> {
        self.passings.turn().await?;
        let room = passing.room.clone();
        self.tell(&room, &Delivery::Passing(passing));
        Ok(())
    }

    async fn erase(&self, room: &RoomId, position: Position) -> Result<(), PortError> {
        self.memory(|memory| memory.erase(room, position));
        Ok(())
    }

    async fn subscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.subscriptions.turn().await?;
        self.subscribed.lock().unwrap().insert(room.clone());
        Ok(())
    }

    async fn unsubscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.subscribed.lock().unwrap().remove(room);
        self.farewells.turn().await
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Span, PortError> {
        let behind =
            |log: &[Entry]| log.iter().filter(|entry| entry.position > after).take(limit).cloned().collect();
        let span = self.memory(|memory| memory.span(room, behind));
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
        let span = self.memory(|memory| memory.span(room, newest));
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
