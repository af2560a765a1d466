//! One gateway node's connection: the `Broker` port, put together from its halves.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Broker, Inbox, PortError, Published, Span};
use domain::{Draft, NodeId, Passing, Position, RoomId};
use fred::types::Value;
use tokio::task::JoinSet;

use super::fence::Fence;
use super::keys::Shard;
use super::link::Link;
use super::publisher::Publisher;
use super::reader::Reader;
use super::seats::Seats;
use super::subscriber::Subscriber;
use super::{RedisOptions, frames};

/// A gateway node on Redis: `Broker`, `Presence` and `Notes`.
pub struct RedisNode {
    pub(super) link: Link,
    publisher: Publisher,
    subscriber: Arc<Subscriber>,
    reader: Reader,
    pub(super) seats: Arc<Seats>,
    // Listening and supervising; end with the node.
    _tasks: JoinSet<()>,
}

impl RedisNode {
    /// Connects, fences every shard and proves that deliveries arrive. `Unavailable` names the address tried.
    pub async fn connect(options: RedisOptions, node: NodeId) -> Result<Arc<Self>, PortError> {
        let link = Link::connect(&options).await?;
        let fence = Arc::new(Fence::new(options.shards, options.virgin));
        fence.check_all(&link).await?;
        let probes = probes(&link, &options, &node);
        let (subscriber, messages) = Subscriber::connect(&options, &link, &fence, probes).await?;
        let mut tasks = JoinSet::new();
        let (listening, supervising) = (subscriber.clone(), subscriber.clone());
        tasks.spawn(async move { listening.listen(messages).await });
        tasks.spawn(async move { supervising.supervise().await });
        let seats = Arc::new(Seats::new(link.clone(), node, &options));
        let (recovering, doubting) = (subscriber.clone(), seats.clone());
        tasks.spawn(async move {
            loop {
                recovering.recovered().await;
                doubting.doubt();
            }
        });
        Ok(Arc::new(Self {
            publisher: Publisher::start(&link, &fence, &options),
            reader: Reader::new(fence),
            seats,
            link,
            subscriber,
            _tasks: tasks,
        }))
    }

    /// Ends both connections, after the last use of the ports.
    pub async fn quit(&self) {
        self.subscriber.quit().await;
        self.link.quit().await;
    }

    fn shard(&self, room: &RoomId) -> Shard {
        self.link.keys.shard_of_room(room)
    }
}

/// One channel proves a single connection; on a cluster each shard may live on another server.
fn probes(link: &Link, options: &RedisOptions, node: &NodeId) -> Vec<String> {
    let spread = if options.url.contains("-cluster://") { usize::from(options.shards) } else { 1 };
    link.keys.shards().take(spread).map(|shard| link.keys.probe(shard, node.as_str())).collect()
}

#[async_trait]
impl Broker for RedisNode {
    async fn publish(&self, draft: Draft) -> Result<Published, PortError> {
        self.publisher.publish(self.shard(&draft.room), draft).await
    }

    async fn pass(&self, passing: Passing) -> Result<(), PortError> {
        // One connection writes, and Redis answers once it stands in the channel: what follows comes later.
        let channel = self.link.keys.channel(self.shard(&passing.room), &passing.room);
        let payload = Value::Bytes(frames::passing(&passing).into());
        self.link.command("SPUBLISH", &channel, vec![channel.as_str().into(), payload]).await.map(|_| ())
    }

    async fn erase(&self, room: &RoomId, position: Position) -> Result<(), PortError> {
        self.reader.erase(&self.link, room, position).await
    }

    async fn subscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.subscriber.subscribe(self.link.keys.channel(self.shard(room), room)).await
    }

    async fn unsubscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.subscriber.unsubscribe(&self.link.keys.channel(self.shard(room), room)).await
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Span, PortError> {
        self.reader.look(&self.link, room, "after", after.to_string(), limit).await
    }

    async fn newest(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Result<Span, PortError> {
        let before = before.map_or_else(String::new, |seq| seq.to_string());
        self.reader.look(&self.link, room, "newest", before, limit).await
    }

    fn attach(&self, inbox: Arc<dyn Inbox>) {
        self.subscriber.attach(inbox);
    }

    fn probe_age(&self) -> Option<Duration> {
        self.subscriber.probe_age()
    }
}
