//! Who is in a room, for those who are shown it: changes are folded, so that a room is told at most once per pause.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::hub::Hub;
use super::outbound::Class;
use super::{Parcel, Skips};
use crate::ports::{CensusChange, PortError, Presence};
use crate::words::{Author, Event, Limits, RoomId, Sign, UserId};

/// What is to be shown of one room.
struct Change {
    due: Instant,
    // Who came and who left since the last showing; whoever did both did neither. Bounded by the room's users.
    moves: HashMap<UserId, (Author, bool)>,
}

type Due = HashMap<RoomId, Change, RandomState>;

/// The rooms whose members changed since they were shown.
pub(super) struct Roster {
    hub: Arc<Hub>,
    presence: Arc<dyn Presence>,
    pause: Duration,
    shown: usize,
    // Bounded by the rooms of this node: each is in it once. Held for a look, never across an await.
    changed: Mutex<Due>,
    called: Notify,
}

impl Roster {
    pub(super) fn new(hub: Arc<Hub>, presence: Arc<dyn Presence>, limits: &Limits) -> Self {
        Self {
            hub,
            presence,
            pause: limits.members_pause,
            shown: limits.members_shown,
            changed: Mutex::default(),
            called: Notify::new(),
        }
    }

    fn changed(&self) -> MutexGuard<'_, Due> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room's members are shown within the pause, if anybody here wants to see them.
    pub(super) fn touch(&self, room: &RoomId) {
        if !self.hub.shows_members(room) {
            return;
        }
        self.with(room, |_| {});
    }

    /// A user came into the room or left it.
    pub(super) fn note(&self, change: CensusChange) {
        let CensusChange { room, who, entered, .. } = change;
        if !self.hub.shows_members(&room) {
            return;
        }
        self.with(&room, |moves| match moves.get(&who.user) {
            Some((_, before)) if *before != entered => {
                moves.remove(&who.user);
            }
            Some(_) | None => {
                moves.insert(who.user.clone(), (who, entered));
            }
        });
    }

    fn with(&self, room: &RoomId, change: impl FnOnce(&mut HashMap<UserId, (Author, bool)>)) {
        let mut changed = self.changed();
        let fresh = || Change { due: Instant::now() + self.pause, moves: HashMap::new() };
        change(&mut changed.entry(room.clone()).or_insert_with(fresh).moves);
        self.called.notify_one();
    }

    /// Shows what changed for as long as the node lives.
    pub(super) async fn show_forever(&self) {
        loop {
            let next = self.changed().values().map(|change| change.due).min();
            match next {
                None => self.called.notified().await,
                Some(next) => sleep_until(next).await,
            }
            let now = Instant::now();
            let due: Vec<_> = self.changed().extract_if(|_, change| change.due <= now).collect();
            for (room, change) in due {
                if let Err(error) = self.show(&room, change).await {
                    tracing::debug!(room.id = %room, %error, "members cannot be shown now");
                    self.touch(&room);
                }
            }
        }
    }

    async fn show(&self, room: &RoomId, change: Change) -> Result<(), PortError> {
        let (mut members, count) = self.presence.members(room, self.shown).await?;
        if count > self.shown as u64 {
            members.clear();
        }
        members.sort_by(by_id);
        let (mut came, mut left) = (Vec::new(), Vec::new());
        for (who, entered) in change.moves.into_values() {
            if entered { came.push(who) } else { left.push(who) }
        }
        came.sort_by(by_id);
        left.sort_by(by_id);
        let event = Event::Sign { room: room.clone(), sign: Sign::Members { members, count, came, left } };
        self.hub.cast_to_watchers(room, &Arc::new(Parcel::new(event, Skips::Nobody)), Class::Droppable);
        Ok(())
    }
}

fn by_id(one: &Author, other: &Author) -> Ordering {
    one.user.as_str().cmp(other.user.as_str())
}
