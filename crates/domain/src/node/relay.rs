//! From the broker to the hub: every delivery is checked against the room's place on this node, opened once,
//! and cast. Where something is missing, the healer fills it before anything later is shown.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

use super::Parcel;
use super::history::History;
use super::hub::Hub;
use super::population::Population;
use crate::ports::{Delivery, Inbox, Sealer};
use crate::words::{
    Amendment, Content, Draft, Entry, Event, Kind, Message, Policies, Position, RoomId, Unreadable,
};

/// Looks at the same time.
const LOOKS: usize = 32;
/// Pause before a failed look is repeated.
const PAUSE: Duration = Duration::from_millis(200);

/// Opens what is sealed and turns entries into events.
pub(super) struct Opener {
    pub(super) sealer: Arc<dyn Sealer>,
    pub(super) policies: Policies,
}

impl Opener {
    /// The content of a sealed body, or why it cannot be read.
    pub(super) fn content(&self, draft: &Draft) -> Result<Content, Unreadable> {
        if draft.body.bytes.is_empty() {
            // A deletion, or what a deletion has erased.
            return Ok(Content::default());
        }
        // An edit's body becomes its message's body in the database, so it is sealed under the message's id.
        let id = if draft.kind == Kind::Edit { draft.target.unwrap_or(draft.id) } else { draft.id };
        let plain = self.sealer.open(&draft.room, id, &draft.body)?;
        Content::from_bytes(&plain)
    }

    /// The event that an entry tells of.
    pub(super) fn event(&self, entry: Entry) -> Event {
        let content = self.content(&entry.draft);
        let Entry { position, draft } = entry;
        let erased = draft.body.bytes.is_empty();
        match draft.kind {
            Kind::Message => Event::Message(Message {
                room: draft.room,
                position,
                id: draft.id,
                author: draft.author,
                client_id: draft.client_id,
                sent_at: draft.sent_at,
                edited_at: None,
                // The deletion's own entry says when; here it only matters that there is nothing to show.
                deleted_at: erased.then_some(draft.sent_at),
                content,
            }),
            Kind::Edit => Event::Edited(amendment(draft, position, content)),
            Kind::Delete => Event::Deleted(amendment(draft, position, content)),
            Kind::React => Event::Reacted(amendment(draft, position, content)),
            Kind::Unreact => Event::Unreacted(amendment(draft, position, content)),
        }
    }

    fn parcel(&self, entry: Entry) -> Parcel {
        let echo = self.policies.of(entry.draft.room.namespace()).echo_to_sender;
        let skips = if echo { None } else { entry.draft.origin };
        Parcel::new(self.event(entry), skips)
    }
}

fn amendment(draft: Draft, position: Position, content: Result<Content, Unreadable>) -> Amendment {
    Amendment {
        room: draft.room,
        position,
        target: draft.target.unwrap_or(draft.id),
        author: draft.author,
        at: draft.sent_at,
        content,
    }
}

/// The receiving half of a node.
pub(super) struct Relay {
    pub(super) hub: Arc<Hub>,
    pub(super) opener: Arc<Opener>,
    population: Arc<Population>,
    // Bounded by the number of rooms on this node: a room is in it once.
    sick: Mutex<HashSet<RoomId>>,
    called: Notify,
}

impl Inbox for Relay {
    fn deliver(&self, delivery: Delivery) {
        match delivery {
            Delivery::Entry(entry) => {
                let room = entry.draft.room.clone();
                if self.hub.deliver(entry, |entry| self.opener.parcel(entry)) {
                    metrics::counter!("hubbub_holes_total").increment(1);
                    self.call_healer([room]);
                }
            }
            Delivery::Evict(connection) => self.population.evict(connection),
            Delivery::Suspect => {
                let doubtful = self.hub.suspect_all();
                tracing::info!(rooms = doubtful.len(), "deliveries are in doubt, checking every room");
                self.call_healer(doubtful);
            }
        }
    }
}

impl Relay {
    pub(super) fn new(hub: Arc<Hub>, opener: Arc<Opener>, population: Arc<Population>) -> Self {
        Self { hub, opener, population, sick: Mutex::default(), called: Notify::new() }
    }

    fn call_healer(&self, rooms: impl IntoIterator<Item = RoomId>) {
        self.sick.lock().unwrap_or_else(PoisonError::into_inner).extend(rooms);
        self.called.notify_one();
    }

    /// The head that was read under the room's gate.
    pub(super) fn anchor(&self, room: &RoomId, head: Position) {
        if self.hub.anchor(room, head) {
            self.call_healer([room.clone()]);
        }
    }

    /// Heals rooms for as long as the node lives; a room that cannot be healed yet keeps none of the others waiting.
    /// Dropping the future ends it between two looks.
    pub(super) async fn heal_forever(&self, history: &History) {
        let looks = Semaphore::new(LOOKS);
        let (mut healing, mut busy) = (FuturesUnordered::new(), HashSet::new());
        loop {
            let sick = tokio::select! {
                () = self.called.notified() => self.take_sick(),
                Some(room) = healing.next(), if !healing.is_empty() => {
                    busy.remove(&room);
                    // It may have fallen ill again while this was told.
                    if self.hub.healing_from(&room).is_some() { HashSet::from([room]) } else { continue }
                }
            };
            for room in sick {
                if busy.insert(room.clone()) {
                    healing.push(self.heal(room, &looks, history));
                }
            }
        }
    }

    fn take_sick(&self) -> HashSet<RoomId> {
        std::mem::take(&mut *self.sick.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn heal(&self, room: RoomId, looks: &Semaphore, history: &History) -> RoomId {
        while let Some(from) = self.hub.healing_from(&room) {
            let found = {
                let _turn = looks.acquire().await;
                history.behind(&room, from).await
            };
            match found {
                Ok(Some((head, steps))) => {
                    metrics::counter!("hubbub_healed_entries_total").increment(steps.len() as u64);
                    let moved = !steps.is_empty();
                    let whole = self.hub.heal(&room, head, steps, |entry| self.opener.parcel(entry));
                    if !whole && !moved {
                        sleep(PAUSE).await;
                    }
                }
                Ok(None) => {
                    tracing::error!(room.id = %room, position = %from, "a hole cannot be filled, members must rejoin");
                    metrics::counter!("hubbub_positions_lost_total").increment(1);
                    self.hub.lose(&room);
                }
                Err(error) => {
                    tracing::debug!(room.id = %room, %error, "a hole cannot be filled yet");
                    sleep(PAUSE).await;
                }
            }
        }
        room
    }
}
