//! Keeps what this node holds elsewhere in step with what is here: subscriptions, seats, slots, the lease.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::hub::{Hub, Subscription};
use crate::ports::{Admission, Broker, Lease, PortError, Presence};
use crate::words::{Author, ConnectionId, Limits, RoomId, UserId};

/// How often the lease is renewed and dead nodes are looked for; well below any lease.
const RENEWAL: Duration = Duration::from_secs(2);
/// How often rooms without members are looked for.
const CLEANING: Duration = Duration::from_secs(1);

/// The keeping half of a node.
pub(super) struct Keeper {
    hub: Arc<Hub>,
    broker: Arc<dyn Broker>,
    presence: Arc<dyn Presence>,
    linger: Duration,
    // Seats that could not be given back yet: at most what this node held when the broker went away.
    owed: Mutex<HashSet<(RoomId, UserId)>>,
    // One per open connection, and those that could not be given back yet.
    slots: Mutex<HashMap<ConnectionId, Slot>>,
}

struct Slot {
    user: UserId,
    open: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    pub(super) fn new(
        hub: Arc<Hub>,
        broker: Arc<dyn Broker>,
        presence: Arc<dyn Presence>,
        linger: Duration,
    ) -> Self {
        Self { hub, broker, presence, linger, owed: Mutex::default(), slots: Mutex::default() }
    }

    /// Subscribes if nobody here did yet, and takes the user's seat. Returns the distinct users in the room.
    pub(super) async fn seat(
        &self,
        room: &RoomId,
        who: &Author,
        subscription: &Subscription,
    ) -> Result<u64, PortError> {
        let mut subscribed = subscription.lock().await;
        if !*subscribed {
            self.broker.subscribe(room).await?;
            *subscribed = true;
        }
        lock(&self.owed).remove(&(room.clone(), who.user.clone()));
        Ok(self.presence.enter(room, who).await?.count)
    }

    /// Gives the seat back unless another connection of the user sits here; later, if it cannot be done now.
    pub(super) async fn unseat(&self, room: &RoomId, user: &UserId, subscription: &Subscription) {
        // The gate keeps this from overtaking, or being overtaken by, a join of the same user.
        let _turn = subscription.lock().await;
        if self.hub.seats(room, user) {
            return;
        }
        if self.presence.leave(room, user).await.is_err() {
            lock(&self.owed).insert((room.clone(), user.clone()));
        }
    }

    /// Takes one of the user's connection slots. Without the broker nothing can be counted or joined,
    /// but sockets may open and wait for it.
    pub(super) async fn admit(&self, user: &UserId, connection: ConnectionId, limits: &Limits) -> Admission {
        let (limit, replace) = (limits.connections_per_user, limits.replace_oldest);
        let admission = match self.presence.admit(user, connection, limit, replace).await {
            Ok(admission) => admission,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be counted yet");
                Admission::Admitted
            }
        };
        if admission != Admission::Refused {
            lock(&self.slots).insert(connection, Slot { user: user.clone(), open: true });
        }
        admission
    }

    /// Gives the slot back; later, if it cannot be done now.
    pub(super) async fn release(&self, connection: ConnectionId) {
        let user = lock(&self.slots).get_mut(&connection).map(|slot| {
            slot.open = false;
            slot.user.clone()
        });
        let Some(user) = user else { return };
        if self.presence.release(&user, connection).await.is_ok() {
            lock(&self.slots).remove(&connection);
        }
    }

    /// Renews the lease, takes everything again when it had lapsed, pays what is owed, and sweeps dead nodes.
    pub(super) async fn keep_forever(&self) {
        loop {
            if let Err(error) = self.keep().await {
                tracing::debug!(%error, "the lease could not be renewed");
            }
            sleep(RENEWAL.mul_f64(0.75 + rand::random::<f64>() / 2.0)).await;
        }
    }

    async fn keep(&self) -> Result<(), PortError> {
        if self.presence.renew().await? == Lease::Lapsed {
            self.take_again().await?;
        }
        let owed: Vec<_> = lock(&self.owed).iter().cloned().collect();
        for (room, user) in owed {
            if !self.hub.seats(&room, &user) {
                self.presence.leave(&room, &user).await?;
            }
            lock(&self.owed).remove(&(room, user));
        }
        let closed: Vec<_> = {
            let slots = lock(&self.slots);
            let closed = slots.iter().filter(|(_, slot)| !slot.open);
            closed.map(|(connection, slot)| (*connection, slot.user.clone())).collect()
        };
        for (connection, user) in closed {
            self.presence.release(&user, connection).await?;
            lock(&self.slots).remove(&connection);
        }
        let departed = self.presence.sweep().await?;
        if !departed.is_empty() {
            tracing::info!(seats = departed.len(), "a dead node's seats were swept");
            metrics::counter!("hubbub_seats_swept_total").increment(departed.len() as u64);
        }
        Ok(())
    }

    /// Others may have swept this node while it could not renew: it sits down again.
    async fn take_again(&self) -> Result<(), PortError> {
        let slots: Vec<_> =
            lock(&self.slots).iter().map(|(connection, slot)| (*connection, slot.user.clone())).collect();
        for (connection, user) in slots {
            self.presence.admit(&user, connection, 0, false).await?;
        }
        for (room, who) in self.hub.all_seats() {
            self.presence.enter(&room, &who).await?;
            // It may have left meanwhile; then the seat is owed.
            if !self.hub.seats(&room, &who.user) {
                lock(&self.owed).insert((room, who.user));
            }
        }
        Ok(())
    }

    /// Unsubscribes from rooms that have had no member for a while; leave and join in turn cost the broker nothing.
    pub(super) async fn close_idle_forever(&self) {
        loop {
            sleep(CLEANING).await;
            let Some(deadline) = Instant::now().checked_sub(self.linger) else { continue };
            for (room, subscription) in self.hub.idle_since(deadline) {
                self.close_idle(&room, &subscription, deadline).await;
            }
        }
    }

    async fn close_idle(&self, room: &RoomId, subscription: &Subscription, deadline: Instant) {
        let mut subscribed = subscription.lock().await;
        if !self.hub.close_if_idle(room, deadline) {
            return;
        }
        if *subscribed && self.broker.unsubscribe(room).await.is_err() {
            return;
        }
        *subscribed = false;
        self.hub.forget_if_idle(room);
    }
}
