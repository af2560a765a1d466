//! How far each feed was shown on this node: every change once, in the order of the versions, so that seats never move
//! backwards. What is told in passing may be lost, or come twice; what was missed is read from the database.
//!
//! Owns where a feed stands, which the hub keeps beside the members, and its healing. How a change comes out of the
//! database in the first place is `outbox`.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

use super::hub::Hub;
use crate::ports::Bookings;
use crate::words::{EventId, RoomId, SeatChange};

/// Changes read at once. All of them go into every member's queue: well below the least one that makes sense.
const PAGE: usize = 32;
/// Looks at the same time.
const LOOKS: usize = 8;
/// Time for every member to write a page before the next one comes.
const PACE: Duration = Duration::from_millis(10);
/// Pause before a failed look is repeated.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a feed stands on this node.
#[derive(Debug)]
pub(super) enum Feed {
    /// Nobody has read yet where it stands, so nobody is in it yet.
    Unread {
        /// The newest version that was told since the subscription.
        heard: u64,
    },
    /// The database could not say where it stands: it begins with what comes next.
    Adrift,
    /// Everything up to here was shown.
    At(u64),
    /// Something behind a place may be missing.
    Healing(Box<Healing>),
}

/// A feed that something may be missing of.
#[derive(Debug)]
pub(super) struct Healing {
    /// Everything up to here was shown.
    from: u64,
    /// The newest change that was told and cannot be shown yet. Those between are read from the database.
    ahead: Option<SeatChange>,
    /// How often deliveries came into doubt.
    doubts: u64,
}

/// A look into the database: what was known when it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    from: u64,
    heard: u64,
    doubts: u64,
}

/// What comes of a step.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// To be shown to everybody, in this order.
    pub(super) shown: Vec<SeatChange>,
    /// From now on something may be missing.
    pub(super) ails: bool,
}

impl Feed {
    /// A feed that nobody has looked at.
    pub(super) fn new() -> Self {
        Self::Unread { heard: 0 }
    }

    /// Whether it must be read where it stands before anybody is in it.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self, Self::Unread { .. })
    }

    /// The feed's newest version, read behind the subscription; `None`: it cannot be read now.
    pub(super) fn begin(&mut self, newest: Option<u64>) {
        let Self::Unread { heard } = *self else { return };
        // What was told before anybody was in the feed is nobody's here.
        *self = match newest {
            Some(newest) => Self::At(newest.max(heard)),
            None if heard > 0 => Self::At(heard),
            None => Self::Adrift,
        };
    }

    /// Takes a change that was told.
    pub(super) fn arrive(&mut self, change: SeatChange) -> Step {
        let version = change.version;
        match self {
            Self::Unread { heard } => *heard = version.max(*heard),
            Self::Healing(healing) => return Step { shown: healing.take(change), ails: false },
            Self::At(place) if version <= *place => {}
            Self::At(place) if version > *place + 1 => {
                *self = Self::Healing(Box::new(Healing { from: *place, ahead: Some(change), doubts: 0 }));
                return Step { shown: Vec::new(), ails: true };
            }
            Self::At(_) | Self::Adrift => {
                *self = Self::At(version);
                return Step { shown: vec![change], ails: false };
            }
        }
        Step::default()
    }

    /// Deliveries may have been lost. `true`: from now on something may be missing.
    pub(super) fn suspect(&mut self) -> bool {
        match self {
            Self::Unread { .. } | Self::Adrift => false,
            Self::At(place) => {
                *self = Self::Healing(Box::new(Healing { from: *place, ahead: None, doubts: 0 }));
                true
            }
            Self::Healing(healing) => {
                // The look under way may be older than the doubt: one more.
                healing.doubts += 1;
                false
            }
        }
    }

    /// A look at what may be missing; `None`: nothing.
    pub(super) fn look(&self) -> Option<Look> {
        let Self::Healing(healing) = self else { return None };
        let heard = healing.ahead.as_ref().map_or(0, |ahead| ahead.version);
        Some(Look { from: healing.from, heard, doubts: healing.doubts })
    }

    /// Takes what a look has found.
    pub(super) fn heal(&mut self, look: Look, found: Vec<SeatChange>) -> Step {
        let Self::Healing(healing) = self else { return Step::default() };
        let all = found.len() < PAGE;
        let mut shown = Vec::with_capacity(found.len() + 1);
        for change in found {
            // The live flow may have come further meanwhile.
            if change.version > healing.from {
                healing.from = change.version;
                shown.push(change);
            }
        }
        // What was heard of before the look and is not there is not to be had any more.
        let to_be_had = if all { look.heard } else { 0 };
        shown.extend(healing.reach(to_be_had));
        if all && healing.ahead.is_none() && healing.doubts == look.doubts {
            *self = Self::At(healing.from);
        }
        Step { shown, ails: false }
    }
}

impl Healing {
    /// Takes a change that was told: the very next one is shown whatever may be missing behind it.
    fn take(&mut self, change: SeatChange) -> Vec<SeatChange> {
        if change.version == self.from + 1 {
            self.from = change.version;
            return [change].into_iter().chain(self.reach(0)).collect();
        }
        let newest = self.ahead.as_ref().map_or(self.from, |ahead| ahead.version);
        if change.version > newest {
            self.ahead = Some(change);
        }
        Vec::new()
    }

    /// The change that waits, if it is the next one or nothing before it can be had: up to `last`.
    fn reach(&mut self, last: u64) -> Option<SeatChange> {
        let next = self.ahead.take_if(|ahead| ahead.version <= last.max(self.from + 1))?;
        if next.version <= self.from {
            return None;
        }
        self.from = next.version;
        Some(next)
    }
}

/// The feeds of this node.
pub(super) struct Feeds {
    hub: Arc<Hub>,
    bookings: Arc<dyn Bookings>,
    // Bounded by the rooms of this node: each is in it once. Held to add or take, never across an await.
    sick: Mutex<HashSet<RoomId, RandomState>>,
    called: Notify,
}

impl Feeds {
    pub(super) fn new(hub: Arc<Hub>, bookings: Arc<dyn Bookings>) -> Self {
        Self { hub, bookings, sick: Mutex::default(), called: Notify::new() }
    }

    fn sick(&self) -> MutexGuard<'_, HashSet<RoomId, RandomState>> {
        self.sick.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call_healer(&self, rooms: impl IntoIterator<Item = RoomId>) {
        self.sick().extend(rooms);
        self.called.notify_one();
    }

    /// Reads where a feed stands, if nobody here did yet. Behind the subscription, and under the room's gate.
    pub(super) async fn follow(&self, room: &RoomId) {
        let Some(event) = EventId::of_room(room) else { return };
        if !self.hub.feed(room, |feed| feed.is_unread()).unwrap_or(false) {
            return;
        }
        let newest = self.bookings.version(event).await;
        if let Err(error) = &newest {
            tracing::warn!(room.id = %room, %error, "a feed begins with what comes next");
        }
        self.hub.feed(room, |feed| feed.begin(newest.ok()));
    }

    /// Shows a change that was told, if it is the next one.
    pub(super) fn arrive(&self, room: &RoomId, change: SeatChange) {
        if EventId::of_room(room) == Some(change.event) && self.hub.step(room, |feed| feed.arrive(change)) {
            metrics::counter!("hubbub_holes_total").increment(1);
            self.call_healer([room.clone()]);
        }
    }

    /// Deliveries may have been lost.
    pub(super) fn suspect_all(&self) {
        let doubtful = self.hub.suspect_feeds();
        self.call_healer(doubtful);
    }

    /// Heals feeds for as long as the node lives; one that cannot be healed yet keeps none of the others waiting.
    pub(super) async fn heal_forever(&self) {
        let (looks, mut healing) = (Semaphore::new(LOOKS), FuturesUnordered::new());
        loop {
            tokio::select! {
                () = self.called.notified() => {
                    let sick = std::mem::take(&mut *self.sick());
                    healing.extend(sick.into_iter().map(|room| self.heal(room, &looks)));
                }
                Some(()) = healing.next(), if !healing.is_empty() => {}
            }
        }
    }

    async fn heal(&self, room: RoomId, looks: &Semaphore) {
        let Some(event) = EventId::of_room(&room) else { return };
        while let Some(look) = self.hub.feed(&room, |feed| feed.look()).flatten() {
            let found = {
                let _turn = looks.acquire().await;
                self.bookings.changes(event, look.from, PAGE).await
            };
            match found {
                Ok(found) => {
                    let count = found.len();
                    metrics::counter!("hubbub_healed_entries_total").increment(count as u64);
                    self.hub.step(&room, |feed| feed.heal(look, found));
                    if count == PAGE {
                        sleep(PACE).await;
                    }
                }
                Err(error) => {
                    tracing::debug!(room.id = %room, %error, "a feed cannot be healed yet");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}
