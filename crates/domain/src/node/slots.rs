//! Connection slots: one per open connection, counted across the cluster. A user with a slot is online.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::news::News;
use crate::ports::{Admission, PortError, Presence};
use crate::words::{Author, ConnectionId, Limits, UserId};

struct Slot {
    who: Author,
    open: bool,
    // The cluster knows of it.
    counted: bool,
}

/// The slots of this node's connections.
pub(super) struct Slots {
    presence: Arc<dyn Presence>,
    news: Arc<News>,
    limit: usize,
    replaces_oldest: bool,
    grace: Duration,
    // One per open connection, and those that could not be given back yet.
    slots: Mutex<HashMap<ConnectionId, Slot>>,
}

impl Slots {
    pub(super) fn new(presence: Arc<dyn Presence>, news: Arc<News>, limits: &Limits) -> Self {
        Self {
            presence,
            news,
            limit: limits.connections_per_user,
            replaces_oldest: limits.replace_oldest,
            grace: limits.offline_grace,
            slots: Mutex::default(),
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<ConnectionId, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one of the user's slots. Without the broker nothing can be counted or joined, but sockets may open and
    /// wait for it.
    pub(super) async fn admit(&self, who: &Author, connection: ConnectionId) -> Admission {
        let asked = self.presence.admit(who, connection, self.limit, self.replaces_oldest).await;
        let counted = asked.is_ok();
        let admission = asked.unwrap_or_else(|error| {
            tracing::warn!(%error, "a connection could not be counted yet");
            Admission::Admitted { first: false }
        });
        if admission != Admission::Refused {
            self.slots().insert(connection, Slot { who: who.clone(), open: true, counted });
        }
        if admission == (Admission::Admitted { first: true }) {
            self.news.tell(who.clone(), true, Some(connection));
        }
        admission
    }

    /// Gives the slot back; later, if it cannot be done now. `true`: the user's grace has begun.
    pub(super) async fn release(&self, connection: ConnectionId) -> bool {
        let user = self.slots().get_mut(&connection).map(|slot| {
            slot.open = false;
            slot.who.user.clone()
        });
        let Some(user) = user else { return false };
        self.give_back(&user, connection).await.unwrap_or(false)
    }

    async fn give_back(&self, user: &UserId, connection: ConnectionId) -> Result<bool, PortError> {
        let last = self.presence.release(user, connection, self.grace).await?;
        self.slots().remove(&connection);
        Ok(last)
    }

    /// Counts what could not be counted, and gives back what could not be given back before.
    pub(super) async fn pay(&self) -> Result<(), PortError> {
        let uncounted: Vec<_> = {
            let slots = self.slots();
            let uncounted = slots.iter().filter(|(_, slot)| slot.open && !slot.counted);
            uncounted.map(|(connection, slot)| (*connection, slot.who.clone())).collect()
        };
        for (connection, who) in uncounted {
            self.take_again(connection, who).await?;
        }
        let closed: Vec<_> = {
            let slots = self.slots();
            let closed = slots.iter().filter(|(_, slot)| !slot.open);
            closed.map(|(connection, slot)| (*connection, slot.who.user.clone())).collect()
        };
        for (connection, user) in closed {
            self.give_back(&user, connection).await?;
        }
        Ok(())
    }

    /// Every slot of this node.
    pub(super) fn all(&self) -> Vec<(ConnectionId, Author)> {
        self.slots().iter().map(|(connection, slot)| (*connection, slot.who.clone())).collect()
    }

    /// Takes a slot again that others may have swept.
    pub(super) async fn take_again(&self, connection: ConnectionId, who: Author) -> Result<(), PortError> {
        let admission = self.presence.admit(&who, connection, 0, false).await?;
        let is_open = self.slots().get_mut(&connection).is_some_and(|slot| {
            slot.counted = true;
            slot.open
        });
        if !is_open {
            // It was given back while it was taken.
            return self.give_back(&who.user, connection).await.map(|_| ());
        }
        if admission == (Admission::Admitted { first: true }) {
            // They were said to be offline while this node was thought dead.
            self.news.tell(who, true, Some(connection));
        }
        Ok(())
    }
}
