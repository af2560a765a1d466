//! Who is in a room, for those who are shown it: changes are folded, so that a room is told at most once per pause.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::hub::Hub;
use super::outbound::Class;
use super::{Parcel, Skips};
use crate::ports::{PortError, Presence};
use crate::words::{Event, Limits, RoomId, Sign};

type Due = HashMap<RoomId, Instant, RandomState>;

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
        self.changed().entry(room.clone()).or_insert_with(|| Instant::now() + self.pause);
        self.called.notify_one();
    }

    /// Shows what changed for as long as the node lives.
    pub(super) async fn show_forever(&self) {
        loop {
            let next = self.changed().values().min().copied();
            match next {
                None => self.called.notified().await,
                Some(next) => sleep_until(next).await,
            }
            let now = Instant::now();
            let due: Vec<RoomId> =
                self.changed().extract_if(|_, due| *due <= now).map(|(room, _)| room).collect();
            for room in due {
                if let Err(error) = self.show(&room).await {
                    tracing::debug!(room.id = %room, %error, "members cannot be shown now");
                    self.touch(&room);
                }
            }
        }
    }

    async fn show(&self, room: &RoomId) -> Result<(), PortError> {
        let (mut members, count) = self.presence.members(room, self.shown).await?;
        if count > self.shown as u64 {
            members.clear();
        }
        members.sort_by(|one, other| one.user.as_str().cmp(other.user.as_str()));
        let event = Event::Sign { room: room.clone(), sign: Sign::Members { members, count } };
        self.hub.cast_to_watchers(room, &Arc::new(Parcel::new(event, Skips::Nobody)), Class::Droppable);
        Ok(())
    }
}
