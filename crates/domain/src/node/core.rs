//! One gateway node: it holds sockets, queues and cursors, and nothing that another node would miss (invariant 3).

use std::sync::Arc;
use std::time::Duration;

use super::Transport;
use super::connection::Connection;
use super::history::{History, unavailable};
use super::hub::{Hub, Member};
use super::keeper::Keeper;
use super::news::News;
use super::opener::Opener;
use super::outbound::Outbound;
use super::population::{Population, Resident};
use super::relay::Relay;
use super::roster::Roster;
use super::session::Session;
use super::watermark::Watermarks;
use crate::dialect::Dialect;
use crate::ports::{
    Admission, Broker, Directory, Notes, PortError, Presence, Sealer, Store, StoredMessage, Tokens,
};
use crate::words::{
    Author, CloseReason, ConnectionId, Fault, Identity, Limits, Message, MessageId, NodeId, Passing,
    Policies, Profile, RoomId, UserId, Whisper,
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
}

impl Node {
    /// A node that hears `ports.broker` from now on. [`Self::run`] must be running for it to heal and to hold its seats.
    pub fn new(id: NodeId, limits: Limits, policies: Policies, ports: Ports) -> Arc<Self> {
        let (hub, population) = (Arc::new(Hub::new()), Arc::new(Population::new()));
        let opener = Arc::new(Opener { sealer: ports.sealer.clone(), policies });
        let roster = Arc::new(Roster::new(hub.clone(), ports.presence.clone(), &limits));
        let relay =
            Relay::new(hub.clone(), opener.clone(), population.clone(), roster.clone(), limits.typing);
        let (relay, news) = (Arc::new(relay), Arc::new(News::default()));
        ports.broker.attach(relay.clone());
        let history =
            History { broker: ports.broker.clone(), store: ports.store.clone(), opener: opener.clone() };
        let (broker, presence) = (ports.broker.clone(), ports.presence.clone());
        let keeper = Keeper::new(relay.clone(), broker, presence, news.clone(), &limits);
        let watermarks = Watermarks::new(limits.stored_pause);
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
        );
    }

    /// The whole life of one connection: from the slot it takes to the seats it gives back.
    pub async fn serve<T: Transport>(
        self: Arc<Self>,
        transport: T,
        door: Arc<Door>,
        visitor: Visitor,
    ) -> CloseReason {
        // Boxed, like everything that an idle connection does not do: this future lies in memory all its life.
        let (connection, resident) = match Box::pin(self.clone().enter(transport, door, visitor)).await {
            Ok(entered) => entered,
            Err(reason) => return reason,
        };
        let (reason, rooms) = connection.run().await;
        Box::pin(self.leave(resident, reason, rooms)).await;
        reason
    }

    async fn enter<T: Transport>(
        self: Arc<Self>,
        mut transport: T,
        door: Arc<Door>,
        visitor: Visitor,
    ) -> Result<(Box<Connection<T>>, Resident), CloseReason> {
        let outbound = Arc::new(Outbound::new(ConnectionId::new(), &self.limits));
        let Visitor { identity, resume } = visitor;
        let resident = match self.admit(&outbound, &identity.author()).await {
            Ok(resident) => resident,
            Err(reason) => {
                transport.close(reason).await;
                return Err(reason);
            }
        };
        let (session, user) = (outbound.id(), &identity.user);
        tracing::debug!(session.id = %session, user.id = %user, door = door.profile.name, "connection opened");
        let session = Session { node: self, door, outbound, identity };
        Ok((Box::new(Connection::new(transport, Arc::new(session), resume)), resident))
    }

    async fn leave(&self, resident: Resident, reason: CloseReason, rooms: Vec<RoomId>) {
        let (id, user) = (resident.id(), resident.user().clone());
        for room in rooms {
            self.unseat(&room, id, &user).await;
        }
        self.release(id).await;
        drop(resident);
        tracing::debug!(session.id = %id, user.id = %user, code = reason.code(), "connection closed");
        metrics::counter!("hubbub_disconnects_total", "code" => reason.code().to_string()).increment(1);
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

    pub(super) fn population(&self) -> &Population {
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

    /// Joins the hub, subscribes if this is the room's first local member, takes the seat.
    /// Returns how many distinct users are in the room; 0 where they are not counted.
    pub(super) async fn seat(&self, room: &RoomId, member: Member) -> Result<u64, PortError> {
        let who = member.who.clone();
        let subscription = self.hub.join(room, member);
        self.keeper.seat(room, &who, &subscription).await
    }

    /// The same for a connection that is in the room already; `None`: it is not, or not any more.
    pub(super) async fn seat_again(
        &self,
        room: &RoomId,
        connection: ConnectionId,
        who: &Author,
    ) -> Option<Result<u64, PortError>> {
        let subscription = self.hub.rejoin(room, connection)?;
        Some(self.keeper.seat(room, who, &subscription).await)
    }

    /// Leaves the hub, and gives the seat back if no other connection of the user is in the room here.
    pub(super) async fn unseat(&self, room: &RoomId, connection: ConnectionId, user: &UserId) {
        self.hub.leave(room, connection);
        self.keeper.unseat(room, user).await;
    }

    /// Takes one of the user's slots, and a place on the list.
    async fn admit(&self, outbound: &Arc<Outbound>, who: &Author) -> Result<Resident, CloseReason> {
        if self.is_draining() {
            return Err(CloseReason::Draining);
        }
        match self.keeper.slots.admit(who, outbound.id()).await {
            Admission::Admitted { .. } | Admission::Replaces(_) => {}
            Admission::Refused => return Err(CloseReason::TooManyConnections),
        }
        if let Some(resident) = self.population.register(outbound, &who.user) {
            return Ok(resident);
        }
        self.release(outbound.id()).await;
        Err(CloseReason::Draining)
    }

    async fn release(&self, connection: ConnectionId) {
        if self.keeper.slots.release(connection).await {
            self.keeper.grace_has_begun(self.limits.offline_grace);
        }
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
