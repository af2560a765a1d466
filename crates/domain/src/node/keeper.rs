//! Keeps what this node holds elsewhere in step with what is here: subscriptions, seats, slots, the lease.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::{Mutex as Gate, MutexGuard as GateGuard, Notify};
use tokio::time::{Instant, sleep, sleep_until};

use super::hub::{Hub, Subscription};
use super::news::News;
use super::relay::Relay;
use super::slots::Slots;
use crate::ports::{Broker, Lease, PortError, Presence};
use crate::words::{Author, Limits, Policies, RoomId, UserId};

/// How often the lease is renewed and dead nodes are looked for; well below any lease.
const RENEWAL: Duration = Duration::from_secs(2);
/// How often rooms without members are looked for.
const CLEANING: Duration = Duration::from_secs(1);

/// Graces that end close together are looked at together.
const GRACES_TOGETHER: Duration = Duration::from_millis(250);

/// Turns in which seats are taken and given back; as many as should ever wait for different users at once.
const TURNS: usize = 256;
/// Seats compared or taken at the same time.
const AT_ONCE: usize = 128;

/// The keeping half of a node.
pub(super) struct Keeper {
    hub: Arc<Hub>,
    policies: Policies,
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
    /// The slots of this node's connections.
    pub(super) slots: Slots,
    news: Arc<News>,
    // When the first and the last grace end that are known of, so that they are looked at in time.
    graces: Mutex<Option<(Instant, Instant)>>,
    called: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    pub(super) fn new(
        relay: Arc<Relay>,
        broker: Arc<dyn Broker>,
        presence: Arc<dyn Presence>,
        news: Arc<News>,
        limits: &Limits,
    ) -> Self {
        Self {
            hub: relay.hub.clone(),
            policies: relay.opener.policies.clone(),
            relay,
            broker,
            slots: Slots::new(presence.clone(), news.clone(), limits),
            presence,
            news,
            linger: limits.linger,
            turns: (0..TURNS).map(|_| Gate::default()).collect(),
            hasher: RandomState::new(),
            lapsed: AtomicBool::new(true),
            owed: Mutex::default(),
            graces: Mutex::default(),
            called: Notify::new(),
        }
    }

    /// Subscribes if nobody here did yet, learns where the room stands, and takes the user's seat.
    /// Returns the distinct users in the room; 0 where they are not counted.
    pub(super) async fn seat(
        &self,
        room: &RoomId,
        who: &Author,
        subscription: &Subscription,
    ) -> Result<u64, PortError> {
        self.follow(room, subscription).await?;
        if !self.counts(room) {
            return Ok(0);
        }
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
        let numbered = self.policies.of(room.namespace()).durable;
        if numbered && self.hub.is_unanchored(room) {
            let head = self.broker.newest(room, None, 0).await?.head;
            self.relay.anchor(room, head);
        }
        self.relay.feeds.follow(room).await;
        Ok(())
    }

    fn counts(&self, room: &RoomId) -> bool {
        self.policies.of(room.namespace()).census
    }

    /// Gives a seat back soon: the hub has let go of it already.
    pub(super) fn owe(&self, room: RoomId, user: UserId) {
        if self.counts(&room) {
            lock(&self.owed).insert((room, user));
            self.called.notify_one();
        }
    }

    /// Gives the seat back unless another connection of the user sits here; later, if it cannot be done now.
    pub(super) async fn unseat(&self, room: &RoomId, user: &UserId) {
        if !self.counts(room) {
            return;
        }
        let _turn = self.turn(room, user).await;
        if !self.hub.seats(room, user) && self.presence.leave(room, user).await.is_err() {
            lock(&self.owed).insert((room.clone(), user.clone()));
        }
    }

    async fn turn(&self, room: &RoomId, user: &UserId) -> GateGuard<'_, ()> {
        let hash = self.hasher.hash_one((room, user));
        self.turns[usize::try_from(hash % TURNS as u64).expect("below the number of turns")].lock().await
    }

    /// The grace of a user has begun: it is looked at when it ends.
    pub(super) fn grace_has_begun(&self, grace: Duration) {
        let ends = Instant::now() + grace + GRACES_TOGETHER;
        let mut graces = lock(&self.graces);
        *graces = Some(graces.map_or((ends, ends), |(first, _)| (first, ends)));
        self.called.notify_one();
    }

    /// Renews the lease, takes everything again when it had lapsed, pays what is owed, and sweeps dead nodes.
    pub(super) async fn keep_forever(&self) {
        let mut renewal = Instant::now();
        loop {
            if Instant::now() >= renewal {
                if let Err(error) = self.keep().await {
                    tracing::debug!(%error, "the lease could not be renewed");
                }
                renewal = Instant::now() + RENEWAL.mul_f64(0.75 + rand::random::<f64>() / 2.0);
            }
            if let Err(error) = self.tidy().await {
                tracing::debug!(%error, "seats could not be given back now");
            }
            let next = lock(&self.graces).map_or(renewal, |(first, _)| first.min(renewal));
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.called.notified() => {}
            }
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
        self.slots.pay().await?;
        self.sweep().await
    }

    /// What does not wait for the next renewal.
    async fn tidy(&self) -> Result<(), PortError> {
        let owed: Vec<_> = lock(&self.owed).drain().collect();
        for (room, user) in owed {
            // Owed again if it fails.
            self.unseat(&room, &user).await;
        }
        if self.a_grace_ended() { self.sweep().await } else { Ok(()) }
    }

    fn a_grace_ended(&self) -> bool {
        let (now, mut graces) = (Instant::now(), lock(&self.graces));
        let Some((first, last)) = *graces else { return false };
        if first <= now {
            *graces = (last > now).then(|| (last.min(now + GRACES_TOGETHER), last));
        }
        first <= now
    }

    async fn sweep(&self) -> Result<(), PortError> {
        let swept = self.presence.sweep().await?;
        if swept.seats > 0 {
            tracing::info!(seats = swept.seats, "a dead node's seats were swept");
            metrics::counter!("hubbub_seats_swept_total").increment(swept.seats as u64);
        }
        for who in swept.offline {
            self.news.tell(who, false, None);
        }
        Ok(())
    }

    /// Others may have swept this node while it could not renew, or the broker has lost its last second:
    /// seats that nobody here sits on are given back, all others are taken again.
    async fn take_again(&self) -> Result<(), PortError> {
        for_all(self.slots.all(), |(connection, who)| self.slots.take_again(connection, who)).await?;
        for_all(self.presence.held().await?, |(room, user)| async move {
            self.unseat(&room, &user).await;
            Ok(())
        })
        .await?;
        let counted = self.hub.all_seats().into_iter().filter(|(room, _)| self.counts(room)).collect();
        for_all(counted, |(room, who)| async move {
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
