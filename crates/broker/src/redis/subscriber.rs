//! Hearing: one connection per node, subscribed to the rooms that have members here.
//!
//! The client library's own resubscription is not used (it pairs replies wrongly). On every reconnect all channels are
//! subscribed again, then every room is checked. A probe in band proves that deliveries arrive: a half-open
//! connection, or one that Redis dropped, looks healthy from outside.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::ConnectionId;
use domain::ports::{Delivery, Inbox, PortError};
use fred::clients::Client;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::{Message, Value};
use futures::StreamExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, timeout};

use super::driver::Driver;
use super::fence::Fence;
use super::keys::Keys;
use super::link::{self, Link};
use super::slots::EVICT;
use super::{RedisOptions, frames};

/// Deliveries that may wait to be heard. Beyond it the oldest are dropped and every room is checked.
const WAITING: usize = 16_384;
/// Time between two probes.
const PROBE: Duration = Duration::from_secs(1);
/// A probe that is not heard for this long means that the connection is to be rebuilt.
const SILENCE: Duration = Duration::from_secs(3);
/// Channels subscribed at the same time after a reconnect.
const RESUBSCRIBING: usize = 128;

/// The hearing half of a node's connection.
pub(super) struct Subscriber {
    client: Client,
    driver: Driver,
    link: Link,
    fence: Arc<Fence>,
    deadline: Duration,
    probes: Vec<String>,
    inbox: OnceLock<Arc<dyn Inbox>>,
    // Rooms' channels that must be subscribed. Held for a look or a change only.
    channels: Mutex<HashSet<String>>,
    // When each probe was heard last. Held for a look or a write only.
    heard: Mutex<Vec<Option<Instant>>>,
    rebuild: Notify,
    // Told after every recovery: seats may be forgotten as well.
    doubtful: Notify,
}

impl Subscriber {
    /// Connects; the caller must poll [`Self::listen`] and [`Self::supervise`].
    pub(super) async fn connect(
        options: &RedisOptions,
        link: &Link,
        fence: &Arc<Fence>,
        probes: Vec<String>,
    ) -> Result<(Arc<Self>, broadcast::Receiver<Message>), PortError> {
        let client = link::client(options, WAITING)?;
        // Before the first connection, so that no message and no reconnect is missed.
        let messages = client.message_rx();
        let connected = timeout(options.command_timeout * 3, client.init()).await;
        let running = connected.map_err(|_| PortError::Deadline)?.map_err(|error| link::meaning(&error))?;
        let subscriber = Arc::new(Self {
            driver: Driver::keep(&client, running),
            client,
            link: link.clone(),
            fence: fence.clone(),
            deadline: options.command_timeout,
            probes,
            inbox: OnceLock::new(),
            channels: Mutex::default(),
            heard: Mutex::new(Vec::new()),
            rebuild: Notify::new(),
            doubtful: Notify::new(),
        });
        subscriber.subscribe_all().await?;
        Ok((subscriber, messages))
    }

    pub(super) fn attach(&self, inbox: Arc<dyn Inbox>) {
        if self.inbox.set(inbox).is_err() {
            tracing::error!("a second inbox was attached and is ignored");
        }
    }

    pub(super) fn probe_age(&self) -> Option<Duration> {
        // The most silent one counts: on a cluster each probe proves another connection.
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = heard.iter().copied().min().flatten();
        oldest.map(|heard| heard.elapsed())
    }

    /// Returns when Redis has confirmed the subscription.
    pub(super) async fn subscribe(&self, channel: String) -> Result<(), PortError> {
        // Remembered first: a reconnect in between subscribes it too.
        self.channels().insert(channel.clone());
        let subscribed = self.subscribe_one(&channel).await;
        if subscribed.is_err() {
            self.channels().remove(&channel);
        }
        subscribed
    }

    pub(super) async fn unsubscribe(&self, channel: &str) -> Result<(), PortError> {
        let done = timeout(self.deadline, self.client.sunsubscribe(channel)).await;
        done.map_err(|_| PortError::Deadline)?.map_err(|error| link::meaning(&error))?;
        self.channels().remove(channel);
        Ok(())
    }

    /// Hands over what is delivered, until the client is gone. Falls behind only if the inbox blocks, which it never does.
    pub(super) async fn listen(&self, mut messages: broadcast::Receiver<Message>) {
        loop {
            match messages.recv().await {
                Ok(message) => self.hear(&message),
                Err(RecvError::Lagged(lost)) => {
                    metrics::counter!("hubbub_deliveries_lagged_total").increment(lost);
                    tracing::warn!(lost, "deliveries came faster than they were taken");
                    self.deliver(Delivery::Suspect);
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn hear(&self, message: &Message) {
        let Some(payload) = payload(&message.value) else { return };
        if let Some(probe) = self.probes.iter().position(|probe| *probe == *message.channel) {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.resize(self.probes.len(), None);
            heard[probe] = Some(Instant::now());
            drop(heard);
            self.obey(&payload);
            return;
        }
        let Some(room) = Keys::room_of_channel(&message.channel) else { return };
        match frames::deliveries(&room, payload) {
            Ok(deliveries) => deliveries.into_iter().for_each(|delivery| self.deliver(delivery)),
            Err(reason) => {
                tracing::error!(channel = %message.channel, reason, "a delivery cannot be read");
                self.deliver(Delivery::Suspect);
            }
        }
    }

    fn obey(&self, payload: &[u8]) {
        let told = std::str::from_utf8(payload).ok().and_then(|text| text.strip_prefix(EVICT));
        if let Some(connection) = told.and_then(|id| id.parse().ok()) {
            self.deliver(Delivery::Evict(ConnectionId(connection)));
        }
    }

    fn deliver(&self, delivery: Delivery) {
        if let Some(inbox) = self.inbox.get() {
            inbox.deliver(delivery);
        }
    }

    /// Subscribes again after every reconnect, and probes in between, until dropped.
    pub(super) async fn supervise(&self) {
        let mut reconnects = self.client.reconnect_rx();
        let mut probe = tokio::time::interval(PROBE);
        probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut rebuilt_at = Instant::now();
        loop {
            tokio::select! {
                reconnect = reconnects.recv() => {
                    if matches!(reconnect, Err(RecvError::Closed)) {
                        return;
                    }
                    self.recover().await;
                }
                () = self.rebuild.notified() => self.recover().await,
                _ = probe.tick() => {
                    self.probe().await;
                    let silent = self.probe_age().is_none_or(|age| age > SILENCE);
                    if silent && rebuilt_at.elapsed() > SILENCE {
                        rebuilt_at = Instant::now();
                        self.rebuild_connection().await;
                    }
                }
            }
        }
    }

    async fn probe(&self) {
        let said = self.probes.iter().map(|channel| async move {
            let arguments = vec![channel.as_str().into(), "probe".into()];
            self.link.command("SPUBLISH", channel, arguments).await
        });
        let heard = futures::future::join_all(said).await;
        // Nobody listens: Redis has dropped the subscription, whatever the connection looks like.
        if heard.into_iter().any(|heard| heard.is_ok_and(|listeners| listeners.as_i64() == Some(0))) {
            self.rebuild.notify_one();
        }
    }

    async fn rebuild_connection(&self) {
        // Redis itself is away: the client is reconnecting already.
        if !self.client.is_connected() {
            return;
        }
        tracing::warn!("deliveries are silent, rebuilding the subscriber connection");
        metrics::counter!("hubbub_subscriber_rebuilds_total").increment(1);
        if timeout(self.deadline, self.client.force_reconnection()).await.is_err() {
            tracing::warn!("the subscriber connection could not be rebuilt in time");
        }
    }

    async fn recover(&self) {
        if let Err(error) = self.subscribe_all().await {
            tracing::warn!(%error, "rooms could not be subscribed again, trying once more");
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.rebuild.notify_one();
            return;
        }
        if let Err(error) = self.fence.check_all(&self.link).await {
            tracing::debug!(%error, "the fence could not be checked, trying once more");
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.rebuild.notify_one();
            return;
        }
        self.doubtful.notify_one();
        self.deliver(Delivery::Suspect);
    }

    async fn subscribe_all(&self) -> Result<(), PortError> {
        let rooms: Vec<String> = self.channels().iter().cloned().collect();
        let channels = self.probes.iter().cloned().chain(rooms);
        let mut done = futures::stream::iter(channels)
            .map(|channel| async move { self.subscribe_one(&channel).await })
            .buffer_unordered(RESUBSCRIBING);
        while let Some(subscribed) = done.next().await {
            subscribed?;
        }
        Ok(())
    }

    async fn subscribe_one(&self, channel: &str) -> Result<(), PortError> {
        if !self.client.is_connected() {
            return Err(PortError::Unavailable("the subscriber connection is away".into()));
        }
        let confirmed = timeout(self.deadline, self.client.ssubscribe(channel)).await;
        confirmed.map_err(|_| PortError::Deadline)?.map_err(|error| link::meaning(&error))
    }

    fn channels(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns after the next recovery.
    pub(super) async fn recovered(&self) {
        self.doubtful.notified().await;
    }

    pub(super) async fn quit(&self) {
        self.driver.end(&self.client).await;
    }
}

fn payload(value: &Value) -> Option<Bytes> {
    match value {
        Value::Bytes(bytes) => Some(bytes.clone()),
        Value::String(text) => Some(text.inner().clone()),
        _ => None,
    }
}
