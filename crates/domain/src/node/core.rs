//! One gateway node: it holds sockets, queues and cursors, and nothing that another node would miss (invariant 3).

use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;
use super::history::{History, unavailable};
use super::hub::Hub;
use super::keeper::Keeper;
use super::population::{Population, Resident};
use super::relay::{Opener, Relay};
use super::{Outbound, Session, Transport};
use crate::dialect::Dialect;
use crate::ports::{Admission, Broker, PortError, Presence, Sealer, Store};
use crate::words::{
    Author, CloseReason, ConnectionId, Fault, Identity, Limits, Message, NodeId, Policies, Profile, RoomId,
    UserId,
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
    /// Sealing at rest.
    pub sealer: Arc<dyn Sealer>,
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
    population: Arc<Population>,
}

impl Node {
    /// A node that hears `ports.broker` from now on. [`Self::run`] must be running for it to heal and to hold its seats.
    pub fn new(id: NodeId, limits: Limits, policies: Policies, ports: Ports) -> Arc<Self> {
        let (hub, population) = (Arc::new(Hub::new()), Arc::new(Population::new()));
        let opener = Arc::new(Opener { sealer: ports.sealer.clone(), policies });
        let relay = Arc::new(Relay::new(hub.clone(), opener.clone(), population.clone()));
        ports.broker.attach(relay.clone());
        let history =
            History { broker: ports.broker.clone(), store: ports.store.clone(), opener: opener.clone() };
        let keeper = Keeper::new(relay.clone(), ports.broker.clone(), ports.presence.clone(), limits.linger);
        Arc::new(Self { id, limits, ports, hub, opener, relay, history, keeper, population })
    }

    /// Heals rooms, renews the node's lease, sweeps dead nodes and lets go of idle rooms, until dropped.
    pub async fn run(&self) {
        tokio::join!(
            self.relay.heal_forever(&self.history),
            self.keeper.keep_forever(),
            self.keeper.close_idle_forever(),
        );
    }

    /// The whole life of one connection: from the slot it takes to the seats it gives back.
    pub async fn serve<T: Transport>(
        self: Arc<Self>,
        mut transport: T,
        door: Arc<Door>,
        identity: Identity,
    ) -> CloseReason {
        let outbound = Arc::new(Outbound::new(ConnectionId::new(), &self.limits));
        let (id, user) = (outbound.id(), identity.user.clone());
        let resident = match self.admit(&outbound, &user).await {
            Ok(resident) => resident,
            Err(reason) => {
                transport.close(reason).await;
                return reason;
            }
        };
        tracing::debug!(session.id = %id, user.id = %user, door = door.profile.name, "connection opened");
        let acknowledges = door.dialect.acknowledges();
        let session = Session { node: self.clone(), outbound, identity, acknowledges };
        let (reason, rooms) = Connection::new(transport, door, Arc::new(session)).run().await;
        for room in rooms {
            self.unseat(&room, id, &user).await;
        }
        self.keeper.release(id).await;
        drop(resident);
        tracing::debug!(session.id = %id, user.id = %user, code = reason.code(), "connection closed");
        metrics::counter!("hubbub_disconnects_total", "code" => reason.code().to_string()).increment(1);
        reason
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
        if let Err(error) = self.ports.presence.retire().await {
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
    /// Returns how many distinct users are in the room.
    pub(super) async fn seat(
        &self,
        room: &RoomId,
        outbound: &Arc<Outbound>,
        who: &Author,
    ) -> Result<u64, PortError> {
        let subscription = self.hub.join(room, outbound.clone(), who.clone());
        self.keeper.seat(room, who, &subscription).await
    }

    /// Leaves the hub, and gives the seat back if no other connection of the user is in the room here.
    pub(super) async fn unseat(&self, room: &RoomId, connection: ConnectionId, user: &UserId) {
        self.hub.leave(room, connection);
        self.keeper.unseat(room, user).await;
    }

    /// Takes one of the user's slots, and a place on the list.
    async fn admit(&self, outbound: &Arc<Outbound>, user: &UserId) -> Result<Resident, CloseReason> {
        if self.is_draining() {
            return Err(CloseReason::Draining);
        }
        match self.keeper.admit(user, outbound.id(), &self.limits).await {
            Admission::Admitted | Admission::Replaces(_) => {}
            Admission::Refused => return Err(CloseReason::TooManyConnections),
        }
        if let Some(resident) = self.population.register(outbound) {
            return Ok(resident);
        }
        self.keeper.release(outbound.id()).await;
        Err(CloseReason::Draining)
    }
}
