//! A node's edge: its listeners, and the order in which things end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::dialect::Dialect;
use domain::node::{Door, Node};
use gateway::socketio::SocketIoOptions;
use gateway::{AcceptOptions, Authenticator, Doors, EventsDoor, Gateway, Peers, SocketIoDoors};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wire::events::Events;
use wire::hub::Hub;
use wire::socketio::SocketIo;
use wire::types::Registry;

use crate::exit::Exit;

/// How often the metrics' histograms are folded.
const FOLDING: Duration = Duration::from_secs(5);

/// One node with its addresses.
pub(crate) struct Edge {
    pub(crate) node: Arc<Node>,
    /// What the hub understands.
    pub(crate) types: Registry,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) accept: AcceptOptions,
    pub(crate) socketio: SocketIoOptions,
    /// Where the other nodes reach the admin listener.
    pub(crate) advertise: String,
    pub(crate) drain: Duration,
    pub(crate) metrics: PrometheusHandle,
}

/// Connections that the system holds for us until they are accepted; it may allow fewer. Of a herd that comes back at once,
/// those for whom there is no room try again only after a second.
const BACKLOG: u32 = 4096;

/// Opens a listener, or says which address could not be had.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, Exit> {
    open(address).map_err(|error| Exit::failure(format!("cannot listen on {address}"), error))
}

fn open(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A node that is started again must not wait for the old one's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Edge {
    /// Serves until `drain` is cancelled, then drains: not ready, `reconnect` frames, waves of closes, listeners last.
    pub(crate) async fn serve(
        self,
        public: TcpListener,
        admin: TcpListener,
        drain: CancellationToken,
    ) -> Result<(), Exit> {
        let peers = Peers::new(self.node.notes().clone(), self.node.id().name(), self.advertise);
        let doors = doors(self.types);
        let gateway = Gateway::new(self.node.clone(), self.authenticator, doors, self.socketio, peers);
        let closed = CancellationToken::new();
        let admin_router = gateway::admin_router(gateway.clone(), self.metrics.clone());
        let listeners = [
            spawn(gateway::run(
                public,
                gateway::router(gateway.clone()),
                self.accept.clone(),
                closed.clone(),
            )),
            spawn(gateway::run(admin, admin_router, AcceptOptions::default(), closed.clone())),
        ];
        let announced = gateway.clone();
        let _announcing = spawn(async move { announced.announce_forever().await });
        let node = self.node.clone();
        let _running = spawn(async move { node.run().await });
        let _folding = spawn(fold(self.metrics));
        drain.cancelled().await;
        let left = self.node.drain(self.drain).await;
        gateway.finish().await;
        closed.cancel();
        for listener in listeners {
            listener.await.map_err(|error| Exit::failure("a listener ended badly", error))?;
        }
        tracing::info!(node.id = %self.node.id(), connections_left = left, "drained");
        Ok(())
    }
}

/// Every door, with the dialect that is spoken behind it.
fn doors(types: Registry) -> Doors {
    let door = |profile, dialect: Arc<dyn Dialect>| Arc::new(Door { profile, dialect });
    let socketio = |recovers| Arc::new(SocketIo { recovers });
    Doors {
        rooms: door(wire::rooms::PROFILE, Arc::new(wire::rooms::Rooms)),
        hub: door(wire::hub::PROFILE, Arc::new(Hub::new(types))),
        events: EventsDoor {
            door: door(wire::events::PROFILE, Arc::new(Events)),
            watched: wire::events::watched,
        },
        socketio: SocketIoDoors {
            plain: door(wire::socketio::PROFILE, socketio(false)),
            recovering: door(wire::socketio::PROFILE_RECOVERING, socketio(true)),
        },
    }
}

/// A task that ends with its handle.
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(task))
}

/// Keeps the histograms small.
pub(crate) async fn fold(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(FOLDING).await;
        metrics.run_upkeep();
    }
}
