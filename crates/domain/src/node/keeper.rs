//! Keeps what this node holds elsewhere in step with what is here: subscriptions, seats, slots, the lease.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::{Mutex as Gate, MutexGuard as GateGuard};
use tokio::time::{Instant, sleep};

use super::hub::{Hub, Subscription};
use super::relay::Relay;
use crate::ports::{Admission, Broker, Lease, PortError, Presence};
use crate::words::{Author, ConnectionId, Limits, RoomId, UserId};

/// How often the lease is renewed and dead nodes are looked for; well below any lease.
const RENEWAL: Duration = Duration::from_secs(2);
/// How often rooms without members are looked for.
const CLEANING: Duration = Duration::from_secs(1);

/// Turns in which seats are taken and given back; as many as should ever wait for different users at once.
const TURNS: usize = 256;
/// Seats compared or taken at the same time.
const AT_ONCE: usize = 128;

/// The keeping half of a node.
pub(super) struct Keeper {
    hub: Arc<Hub>,
    relay: Arc<Relay>,
    broker: Arc<dyn Broker>,
    presence: Arc<dyn Presence>,
    linger: Duration,
    // One user's joining and leaving of one room never overtake each other. Held across the call; guards no data.
    turns: Box<[Gate<()>]>,
    hasher: RandomState,
    // Seats must be compared and taken again; stays set until that has succeeded as a whole.
    lapsed: AtomicBool,
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
        relay: Arc<Relay>,
        broker: Arc<dyn Broker>,
        presence: Arc<dyn Presence>,
        linger: Duration,
    ) -> Self {
        Self {
            hub: relay.hub.clone(),
            relay,
            broker,
            presence,
            linger,
            turns: (0..TURNS).map(|_| Gate::default()).collect(),
            hasher: RandomState::new(),
            lapsed: AtomicBool::new(true),
            owed: Mutex::default(),
            slots: Mutex::default(),
        }
    }

    /// Subscribes if nobody here did yet, learns where the room stands, and takes the user's seat.
    /// Returns the distinct users in the room.
    pub(super) async fn seat(
        &self,
        room: &RoomId,
        who: &Author,
        subscription: &Subscription,
    ) -> Result<u64, PortError> {
        self.follow(room, subscription).await?;
        let _turn = self.turn(room, &who.user).await;
        lock(&self.owed).remove(&(room.clone(), who.user.clone()));
        Ok(self.presence.enter(room, who).await?.count)
    }

    /// Subscribe first, look second: a head that was read before could hide what was published in between.
    async fn follow(&self, room: &RoomId, subscription: &Subscription) -> Result<(), PortError> {
        let mut subscribed = subscription.lock().await;
        if !*subscribed {
            self.broker.subscribe(room).await?;
            *subscribed = true;
        }
        if self.hub.is_unanchored(room) {
            let head = self.broker.newest(room, None, 0).await?.head;
            self.relay.anchor(room, head);
        }
        Ok(())
    }

    /// Gives the seat back unless another connection of the user sits here; later, if it cannot be done now.
    pub(super) async fn unseat(&self, room: &RoomId, user: &UserId) {
        let _turn = self.turn(room, user).await;
        if !self.hub.seats(room, user) && self.presence.leave(room, user).await.is_err() {
            lock(&self.owed).insert((room.clone(), user.clone()));
        }
    }

    async fn turn(&self, room: &RoomId, user: &UserId) -> GateGuard<'_, ()> {
        let hash = self.hasher.hash_one((room, user));
        self.turns[usize::try_from(hash % TURNS as u64).expect("below the number of turns")].lock().await
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
            self.lapsed.store(true, Ordering::Relaxed);
        }
        if self.lapsed.load(Ordering::Relaxed) {
            self.take_again().await?;
            self.lapsed.store(false, Ordering::Relaxed);
        }
        self.pay().await?;
        let departed = self.presence.sweep().await?;
        if !departed.is_empty() {
            tracing::info!(seats = departed.len(), "a dead node's seats were swept");
            metrics::counter!("hubbub_seats_swept_total").increment(departed.len() as u64);
        }
        Ok(())
    }

    /// Gives back what could not be given back before.
    async fn pay(&self) -> Result<(), PortError> {
        let owed: Vec<_> = lock(&self.owed).drain().collect();
        for (room, user) in owed {
            // Owed again if it fails.
            self.unseat(&room, &user).await;
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
        Ok(())
    }

    /// Others may have swept this node while it could not renew, or the broker has lost its last second:
    /// seats that nobody here sits on are given back, all others are taken again.
    async fn take_again(&self) -> Result<(), PortError> {
        let slots: Vec<_> =
            lock(&self.slots).iter().map(|(connection, slot)| (*connection, slot.user.clone())).collect();
        for_all(slots, |(connection, user)| async move {
            self.presence.admit(&user, connection, 0, false).await.map(|_| ())
        })
        .await?;
        for_all(self.presence.held().await?, |(room, user)| async move {
            self.unseat(&room, &user).await;
            Ok(())
        })
        .await?;
        for_all(self.hub.all_seats(), |(room, who)| async move {
            let _turn = self.turn(&room, &who.user).await;
            // It may have been left meanwhile.
            if self.hub.seats(&room, &who.user) {
                self.presence.enter(&room, &who).await?;
            }
            Ok(())
        })
        .await
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

/// Does something for everything, many at a time; ends with the first error.
async fn for_all<T, F: Future<Output = Result<(), PortError>>>(
    things: Vec<T>,
    each: impl Fn(T) -> F,
) -> Result<(), PortError> {
    futures::stream::iter(things).map(each).buffer_unordered(AT_ONCE).try_collect().await
}
