//! One gateway node: it holds sockets, queues and cursors, and nothing that another node would miss (invariant 3).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::attendance::Attendances;
use super::bars::Bars;
use super::feeds::Feeds;
use super::history::{History, unavailable};
use super::hub::Hub;
use super::keeper::Keeper;
use super::news::News;
use super::opener::Opener;
use super::outbox::Outbox;
use super::pacer::Pacer;
use super::population::Population;
use super::purse::Purses;
use super::relay::Relay;
use super::roster::Roster;
use super::watermark::Watermarks;
use crate::dialect::Dialect;
use crate::ports::{
    Bookings, Broker, Directory, Notes, PortError, Presence, Sealer, Store, StoredMessage, Tokens, Uploads,
};
use crate::words::{
    Author, ConnectionId, Fault, Identity, Limits, Message, MessageId, NodeId, Passing, Policies, Profile,
    RoomId, RoomRef, UserId, Whisper,
};

/// A way in: what its clients expect, and the language they speak.
pub struct Door {
    /// What its clients expect.
    pub profile: Profile,
    /// Their language.
    pub dialect: Arc<dyn Dialect>,
}

/// The world, as one node sees it.
#[derive(Clone)]
pub struct Ports {
    /// Room events between nodes.
    pub broker: Arc<dyn Broker>,
    /// Who is where.
    pub presence: Arc<dyn Presence>,
    /// History.
    pub store: Arc<dyn Store>,
    /// Accounts, chats and membership.
    pub directory: Arc<dyn Directory>,
    /// Small facts that outlive a connection.
    pub notes: Arc<dyn Notes>,
    /// Events with seats.
    pub bookings: Arc<dyn Bookings>,
    /// Uploaded files.
    pub uploads: Arc<dyn Uploads>,
    /// Whose a token is.
    pub tokens: Arc<dyn Tokens>,
    /// Sealing at rest.
    pub sealer: Arc<dyn Sealer>,
}

/// Somebody at a door, with a good token.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who.
    pub identity: Identity,
    /// What they come back with, if they were here before.
    pub resume: Option<Resume>,
    /// A room that their address names: they are in it from the start, as if by command.
    pub room: Option<RoomRef>,
    /// Where they come from, for the security log.
    pub address: Option<IpAddr>,
}

impl Visitor {
    /// Somebody who is here for the first time, at a door whose address names no room.
    pub fn new(identity: Identity) -> Self {
        Self { identity, resume: None, room: None, address: None }
    }
}

/// What a client comes back with, as it says; believed only as far as it fits what is remembered.
#[derive(Debug, Clone)]
pub struct Resume {
    /// The secret that it was welcomed with.
    pub recovery: Box<str>,
    /// Where it stood, in its dialect's words.
    pub place: Option<Box<str>>,
}

/// One gateway node.
pub struct Node {
    id: NodeId,
    limits: Limits,
    ports: Ports,
    hub: Arc<Hub>,
    opener: Arc<Opener>,
    relay: Arc<Relay>,
    history: History,
    keeper: Keeper,
    roster: Arc<Roster>,
    news: Arc<News>,
    watermarks: Watermarks,
    population: Arc<Population>,
    attendances: Attendances,
    purses: Purses,
    pacer: Arc<Pacer>,
    bars: Arc<Bars>,
    outbox: Outbox,
}

impl Node {
    /// A node that hears `ports.broker` from now on. [`Self::run`] must be running for it to heal and to hold its seats.
    pub fn new(id: NodeId, limits: Limits, policies: Policies, ports: Ports) -> Arc<Self> {
        let (hub, population) = (Arc::new(Hub::new()), Arc::new(Population::new()));
        let opener = Arc::new(Opener { sealer: ports.sealer.clone(), policies });
        let roster = Arc::new(Roster::new(hub.clone(), ports.presence.clone(), &limits));
        let bars = Arc::new(Bars::default());
        let relay = Relay::new(
            hub.clone(),
            opener.clone(),
            population.clone(),
            roster.clone(),
            (Feeds::new(hub.clone(), ports.bookings.clone()), bars.clone()),
            limits.typing,
        );
        let (relay, news) = (Arc::new(relay), Arc::new(News::default()));
        ports.broker.attach(relay.clone());
        let history =
            History { broker: ports.broker.clone(), store: ports.store.clone(), opener: opener.clone() };
        let (broker, presence) = (ports.broker.clone(), ports.presence.clone());
        let keeper = Keeper::new(relay.clone(), broker, presence, news.clone(), &limits);
        let watermarks = Watermarks::new(limits.stored_pause);
        let attendances = Attendances::new(ports.presence.clone(), limits.users_shown);
        Arc::new(Self {
            id,
            limits,
            ports,
            hub,
            opener,
            relay,
            history,
            keeper,
            roster,
            news,
            watermarks,
            population,
            attendances,
            purses: Purses::default(),
            pacer: Arc::default(),
            bars,
            outbox: Outbox::default(),
        })
    }

    /// Heals rooms, renews the node's lease, sweeps dead nodes and lets go of idle rooms, until dropped.
    pub async fn run(&self) {
        tokio::join!(
            self.relay.heal_forever(&self.history),
            self.keeper.keep_forever(),
            self.keeper.close_idle_forever(),
            self.relay.still_typists_forever(),
            self.roster.show_forever(),
            self.tell_news_forever(),
            self.watermarks.tell_forever(&*self.ports.store),
            self.verify_members_forever(),
            self.hear_everywhere(),
            self.say_what_was_heard(),
            self.relay.feeds.heal_forever(),
            self.bring_changes_forever(),
            self.revalidate_forever(),
            self.pacer.beat_forever(),
        );
    }

    /// The newest `limit` messages of a room below `before`, oldest first.
    pub async fn history(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Message>, Fault> {
        self.history.newest(room, before, limit).await.map_err(|error| unavailable(&error))
    }

    /// The newest `limit` messages of a room below `before`, oldest first, and what to ask below for the page before
    /// them; `None`: nothing older exists, however the page was cut.
    pub async fn page(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Message>, Option<u64>), Fault> {
        // One more than asked for tells whether there is anything older.
        let mut page = self.history(room, before, limit + 1).await?;
        if page.len() > limit {
            page.remove(0);
            let next = page.first().map(|oldest| oldest.position.seq);
            return Ok((page, next));
        }
        let Some(oldest) = page.first().map(|message| message.position.seq).filter(|seq| *seq > 1) else {
            return Ok((page, None));
        };
        // Large pages are cut: a short one is not yet the beginning.
        let more = !self.history(room, Some(oldest), 1).await?.is_empty();
        Ok((page, more.then_some(oldest)))
    }

    /// The node's incarnation.
    pub fn id(&self) -> &NodeId {
        &self.id
    }

    /// The limits it enforces.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What its namespaces allow.
    pub fn policies(&self) -> &Policies {
        &self.opener.policies
    }

    /// Its store, for readiness and history.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.ports.store
    }

    /// Time since deliveries were last proven to arrive.
    pub fn probe_age(&self) -> Option<Duration> {
        self.ports.broker.probe_age()
    }

    /// Open connections.
    pub fn connections(&self) -> usize {
        self.population.count()
    }

    /// Whether the node is going down: nothing new may come in.
    pub fn is_draining(&self) -> bool {
        self.population.is_draining()
    }

    pub(super) fn population(&self) -> &Arc<Population> {
        &self.population
    }

    pub(super) async fn retire(&self) {
        if let Err(error) = self.ports.presence.retire(self.limits.offline_grace).await {
            tracing::warn!(%error, "seats could not be given back, they lapse with the lease");
        }
    }

    pub(super) fn broker(&self) -> &dyn Broker {
        &*self.ports.broker
    }

    pub(super) fn opener(&self) -> &Opener {
        &self.opener
    }

    pub(super) fn reading(&self) -> &History {
        &self.history
    }

    /// Tells every node something in passing.
    pub(super) async fn whisper(
        &self,
        room: RoomId,
        origin: Option<ConnectionId>,
        whisper: Whisper,
    ) -> Result<(), PortError> {
        let id = MessageId::new();
        let body = self.opener.sealer.seal(&room, id, &super::whisper::to_bytes(&whisper));
        self.ports.broker.pass(Passing { room, id, origin, body }).await
    }

    /// A message as the database keeps it, in the clear.
    pub fn shown(&self, room: &RoomId, stored: StoredMessage) -> Message {
        self.opener.stored(room, stored)
    }

    /// Whether a message was taken back.
    pub async fn is_withdrawn(&self, room: &RoomId, message: MessageId) -> Result<bool, Fault> {
        let found = self.history.find(room, message).await.map_err(|error| unavailable(&error))?;
        Ok(found.is_some_and(|found| found.deleted))
    }

    /// Up to `limit` distinct users in the room, and how many there are in all.
    pub async fn members(&self, room: &RoomId, limit: usize) -> Result<(Vec<Author>, u64), Fault> {
        self.ports.presence.members(room, limit).await.map_err(|error| unavailable(&error))
    }

    /// Whether the user is online, at whatever door.
    pub(super) async fn is_online(&self, user: &UserId) -> Result<bool, PortError> {
        self.ports.presence.is_online(user).await
    }

    /// Accounts, chats and membership.
    pub fn directory(&self) -> &Arc<dyn Directory> {
        &self.ports.directory
    }

    /// Small facts that outlive a connection or a node.
    pub fn notes(&self) -> &Arc<dyn Notes> {
        &self.ports.notes
    }

    /// Events with seats.
    pub fn bookings(&self) -> &Arc<dyn Bookings> {
        &self.ports.bookings
    }

    /// Uploaded files.
    pub fn uploads(&self) -> &Arc<dyn Uploads> {
        &self.ports.uploads
    }

    pub(super) fn presence(&self) -> &dyn Presence {
        &*self.ports.presence
    }

    pub(super) fn pacer(&self) -> &Arc<Pacer> {
        &self.pacer
    }

    pub(super) fn purses(&self) -> &Purses {
        &self.purses
    }

    pub(super) fn attendances(&self) -> &Attendances {
        &self.attendances
    }

    pub(super) fn bars(&self) -> &Bars {
        &self.bars
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(super) fn tokens(&self) -> &dyn Tokens {
        &*self.ports.tokens
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(super) fn relay(&self) -> &Relay {
        &self.relay
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(super) fn news(&self) -> &News {
        &self.news
    }

    pub(super) fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }
}
