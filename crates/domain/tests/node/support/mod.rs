//! A node between scripted ports and scripted clients. Time stands still while anything can move: no real sleeps.

mod broker;
mod client;
mod dialect;
mod presence;
mod script;
mod store;

use std::sync::Arc;
use std::time::Duration;

use domain::node::{Door, Node, Ports};
use domain::seal::Unsealed;
use domain::{Identity, Limits, Namespace, NodeId, Policies, Position, Profile, Refusal};
use domain::{Role, RoomId, Timestamp, UserId};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use broker::ScriptedBroker;
pub(crate) use client::Client;
use dialect::Words;
pub(crate) use dialect::shown;
use presence::ScriptedPresence;
pub(crate) use presence::seat;
use store::ScriptedStore;

/// A node and all that it knows of the world.
pub(crate) struct World {
    pub(crate) broker: Arc<ScriptedBroker>,
    pub(crate) presence: Arc<ScriptedPresence>,
    pub(crate) store: Arc<ScriptedStore>,
    pub(crate) node: Arc<Node>,
    door: Arc<Door>,
    running: JoinHandle<()>,
}

impl World {
    /// A node that runs, with the default limits, except that commands may come as fast as tests send them.
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    /// The same with other limits.
    pub(crate) async fn with(limits: Limits) -> Self {
        let limits = Limits { commands_per_second: 0, ..limits };
        let (broker, presence) = (Arc::new(ScriptedBroker::default()), Arc::new(ScriptedPresence::default()));
        let store = Arc::new(ScriptedStore::default());
        let ports = Ports {
            broker: broker.clone(),
            presence: presence.clone(),
            store: store.clone(),
            sealer: Arc::new(Unsealed),
        };
        let node = Node::new(NodeId::boot("node"), limits, Policies::default(), ports);
        let profile = Profile { name: "test", refusal: Refusal::Unauthorized, warns_of_expiry: false };
        let door = Arc::new(Door { profile, dialect: Arc::new(Words) });
        let runner = node.clone();
        let running = tokio::spawn(async move { runner.run().await });
        calm().await;
        Self { broker, presence, store, node, door, running }
    }

    /// A client whose token lasts for an hour.
    pub(crate) fn client(&self, user: &str) -> Client {
        self.client_for(user, Duration::from_secs(3600))
    }

    /// A client whose token ends after this time.
    pub(crate) fn client_for(&self, user: &str, token: Duration) -> Client {
        let expires_at = Timestamp(Timestamp::now().0 + i64::try_from(token.as_millis()).unwrap());
        let user = UserId::text(user).unwrap();
        let identity = Identity { user, name: None, role: Role::User, expires_at, rooms: None };
        let (node, door) = (self.node.clone(), self.door.clone());
        Client::new(|wire| tokio::spawn(node.serve(wire, door, identity)))
    }

    /// A client that is in these rooms, and was shown nothing of them.
    pub(crate) async fn member(&self, user: &str, rooms: &[&str]) -> Client {
        let mut client = self.client(user);
        for room in rooms {
            let answer = client.ask(&format!("join {room} history 0")).await;
            assert!(answer.starts_with("joined"), "{answer}");
        }
        client
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Lets everything go on that can: the paused clock moves only when nothing else does.
pub(crate) async fn calm() {
    sleep(Duration::from_millis(1)).await;
}

pub(crate) fn room(name: &str) -> RoomId {
    RoomId::new(Namespace::Room, name).unwrap()
}

pub(crate) fn at(epoch: u64, seq: u64) -> Position {
    Position { epoch, seq }
}

/// The places `first..=last` of an epoch.
pub(crate) fn places(epoch: u64, first: u64, last: u64) -> Vec<Position> {
    (first..=last).map(|seq| at(epoch, seq)).collect()
}
