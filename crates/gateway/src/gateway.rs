//! What every handler of one node's edge shares.

use std::sync::Arc;

use domain::node::{Door, Node};
use domain::words::RoomRef;

use crate::auth::Authenticator;
use crate::engineio::Engine;
use crate::health::Readiness;
use crate::peers::Peers;
use crate::socketio::{SocketIo, SocketIoOptions};
use crate::socketio_door::{Entrance, SocketIoDoors};

/// One node's edge.
pub struct Gateway {
    pub(crate) node: Arc<Node>,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) rooms: Arc<Door>,
    pub(crate) hub: Arc<Door>,
    pub(crate) events: EventsDoor,
    pub(crate) engine: Arc<Engine<SocketIo<Entrance>>>,
    pub(crate) peers: Peers,
    pub(crate) readiness: Readiness,
}

/// What clients find at this edge.
pub struct Doors {
    /// At `/`, over a WebSocket.
    pub rooms: Arc<Door>,
    /// At `/ws`, over a WebSocket.
    pub hub: Arc<Door>,
    /// At `/ws/events/{eventId}`, over a WebSocket.
    pub events: EventsDoor,
    /// At `/socket.io/`.
    pub socketio: SocketIoDoors,
}

/// A door whose addresses name rooms.
#[derive(Clone)]
pub struct EventsDoor {
    /// The door.
    pub door: Arc<Door>,
    /// The room that the last part of a path names, if it names one.
    pub watched: fn(&str) -> Option<RoomRef>,
}

impl Gateway {
    /// The edge of `node`.
    pub fn new(
        node: Arc<Node>,
        authenticator: Arc<Authenticator>,
        doors: Doors,
        options: SocketIoOptions,
        peers: Peers,
    ) -> Arc<Self> {
        let readiness = Readiness::new(Arc::clone(&node));
        let Doors { rooms, hub, events, socketio } = doors;
        let entrance = Entrance { node: node.clone(), authenticator: authenticator.clone(), doors: socketio };
        let engine = SocketIo::engine(options, entrance);
        Arc::new(Self { node, authenticator, rooms, hub, events, engine, peers, readiness })
    }

    /// Tells the other nodes where this one is, until dropped.
    pub async fn announce_forever(&self) {
        self.peers.announce_forever().await;
    }

    /// Waits until every long-polling session is over. Call it after the node has drained.
    pub async fn finish(&self) {
        self.engine.finish().await;
    }
}
