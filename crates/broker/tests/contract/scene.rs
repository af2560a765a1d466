//! A fresh implementation of the ports, and nodes and workers on it.

use std::sync::Arc;
use std::time::Duration;

use broker::memory::{Memory, MemoryOptions};
use broker::redis::{RedisJournal, RedisNode, RedisOptions};
use domain::ports::{Broker, Journal, Notes, PortError, Presence, Published, Record, ShardLease};
use domain::words::{Draft, NodeId, RoomId};
use testkit::{Redis, RedisCluster};
use tokio::sync::OnceCell;
use tokio::time::{interval, timeout};
use uuid::Uuid;

use crate::ear::Ear;

/// Longest wait for anything that must happen.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// Which implementation is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Memory,
    Redis,
    /// Three masters: every script and channel must find its shard.
    Cluster,
}

/// What a test wants to be small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) shards: u16,
    pub(crate) hot_log: usize,
    pub(crate) journal_max_length: u64,
    pub(crate) lease: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { shards: 4, hot_log: 1000, journal_max_length: 100_000, lease: Duration::from_secs(60) }
    }
}

/// One test's shared state.
pub(crate) enum Scene {
    Memory(Arc<Memory>),
    Redis(RedisOptions),
}

impl Kind {
    async fn url(self) -> String {
        static CLUSTER: OnceCell<RedisCluster> = OnceCell::const_new();
        match self {
            Self::Cluster => CLUSTER.get_or_init(|| RedisCluster::start(3)).await.url(),
            Self::Memory | Self::Redis => Redis::shared().await.url(),
        }
    }

    /// The usual terms.
    pub(crate) async fn scene(self) -> Scene {
        self.scene_with(Terms::default()).await
    }

    pub(crate) async fn scene_with(self, terms: Terms) -> Scene {
        let Terms { shards, hot_log, journal_max_length, lease } = terms;
        match self {
            Self::Memory => {
                let rest = MemoryOptions::default();
                let options = MemoryOptions { shards, hot_log, journal_max_length, lease, ..rest };
                Scene::Memory(Memory::new(options))
            }
            Self::Redis | Self::Cluster => Scene::Redis(RedisOptions {
                url: self.url().await,
                shards,
                prefix: format!("contract-{}", Uuid::new_v4().simple()),
                // Two cores and a hundred tests: a slow answer is not what is asked about here.
                command_timeout: WAIT,
                hot_log,
                journal_max_length,
                lease,
                virgin: true,
                ..RedisOptions::default()
            }),
        }
    }
}

impl Scene {
    /// A node with an ear, under a lease.
    pub(crate) async fn node(&self, name: &str) -> Node {
        let id = NodeId::boot(name);
        let (broker, presence, notes): (Arc<dyn Broker>, Arc<dyn Presence>, Arc<dyn Notes>) = match self {
            Self::Memory(memory) => {
                let node = memory.node(id);
                (node.clone(), node.clone(), node)
            }
            Self::Redis(options) => {
                let node = RedisNode::connect(options.clone(), id).await.expect("redis answers");
                (node.clone(), node.clone(), node)
            }
        };
        let (ear, inbox) = Ear::new();
        broker.attach(inbox);
        presence.renew().await.expect("the first renewal succeeds");
        Node { broker, presence, notes, ear }
    }

    pub(crate) async fn worker(&self, name: &str) -> Arc<dyn Journal> {
        match self {
            Self::Memory(memory) => memory.journal(name),
            Self::Redis(options) => {
                RedisJournal::connect(options.clone(), name).await.expect("redis answers")
            }
        }
    }
}

/// One node's ports. Dropped, it is dead: it gives nothing back.
pub(crate) struct Node {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) presence: Arc<dyn Presence>,
    pub(crate) notes: Arc<dyn Notes>,
    pub(crate) ear: Ear,
}

impl Node {
    pub(crate) async fn publish(&self, draft: Draft) -> Published {
        self.broker.publish(draft).await.expect("the draft is accepted")
    }

    pub(crate) async fn subscribe(&self, room: &RoomId) {
        self.broker.subscribe(room).await.expect("the room is subscribed");
    }
}

/// Claims until the worker holds `count` shards.
pub(crate) async fn claim(worker: &dyn Journal, count: usize) -> Vec<ShardLease> {
    until("the worker holds its share", async || {
        let held = worker.claim().await.expect("the claim is answered");
        (held.len() == count).then_some(held)
    })
    .await
}

/// Everything in the shards, as one read tells it.
pub(crate) async fn read_all(worker: &dyn Journal, leases: &[ShardLease]) -> Vec<Record> {
    let from: Vec<_> = leases.iter().map(|lease| (lease.clone(), None)).collect();
    worker.read(&from, 100_000).await.expect("the journal is read")
}

/// Looks again and again until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = interval(Duration::from_millis(10));
    let looking = async {
        loop {
            ticks.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    timeout(WAIT, looking).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Whether a draft was refused for want of room in the journal.
pub(crate) fn overloaded(result: &Result<Published, PortError>) -> bool {
    matches!(result, Err(PortError::Overloaded(pause)) if !pause.is_zero())
}
