//! A Redis that restarts, forgets, or is replaced: no number is issued twice, and deliveries come back by themselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::sync::Arc;
use std::time::Duration;

use broker::redis::{RedisNode, RedisOptions};
use bytes::Bytes;
use domain::ports::{Broker, Delivery, Inbox, PortError, Published};
use domain::words::{Author, Draft, Kind, MessageId, NodeId, Position, RoomId, Sealed, Timestamp, UserId};
use testkit::{Folder, Process, Redis, free_port, program};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

const WAIT: Duration = Duration::from_secs(30);

/// What a node heard: positions, and doubts as `None`.
struct Ear(mpsc::Sender<Option<Position>>);

impl Inbox for Ear {
    fn deliver(&self, delivery: Delivery) {
        let heard = match delivery {
            Delivery::Entry(entry) => Some(entry.position),
            Delivery::Suspect | Delivery::Evict(_) => None,
            Delivery::Passing(_) | Delivery::Census(_) => return,
        };
        self.0.try_send(heard).expect("no test hears ten thousand things");
    }
}

struct Node {
    node: Arc<RedisNode>,
    heard: mpsc::Receiver<Option<Position>>,
}

impl Node {
    async fn connect(url: &str, virgin: bool) -> Self {
        let options = RedisOptions {
            url: url.to_owned(),
            virgin,
            command_timeout: Duration::from_millis(500),
            ..RedisOptions::default()
        };
        let node = RedisNode::connect(options, NodeId::boot("fencing")).await.unwrap();
        let (sender, heard) = mpsc::channel(10_000);
        node.attach(Arc::new(Ear(sender)));
        Self { node, heard }
    }

    async fn publish(&self) -> Result<Published, PortError> {
        self.node.publish(draft()).await
    }

    /// Publishes as a client would: again and again until it is accepted.
    async fn insist(&self) -> Position {
        let deadline = Instant::now() + WAIT;
        loop {
            match self.publish().await {
                Ok(published) => return published.position,
                Err(error) => assert!(Instant::now() < deadline, "never accepted: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Publishes until an entry is heard live again; says whether a doubt was told before it.
    async fn is_heard(&mut self) -> bool {
        let (deadline, mut doubted) = (Instant::now() + WAIT, false);
        loop {
            let position = self.insist().await;
            while let Ok(heard) = timeout(Duration::from_millis(500), self.heard.recv()).await {
                match heard.unwrap() {
                    None => doubted = true,
                    Some(heard) if heard == position => return doubted,
                    Some(_) => {}
                }
            }
            assert!(Instant::now() < deadline, "deliveries never come back");
        }
    }

    /// Waits for the sign that deliveries may have been lost.
    async fn doubts(&mut self) {
        while timeout(WAIT, self.heard.recv()).await.expect("a doubt is told").unwrap().is_some() {}
    }
}

fn room() -> RoomId {
    RoomId::parse("room:fenced").unwrap()
}

fn draft() -> Draft {
    Draft {
        room: room(),
        id: MessageId::new(),
        kind: Kind::Message,
        target: None,
        author: Author { user: UserId::text("anna").unwrap(), name: None },
        client_id: None,
        sent_at: Timestamp(0),
        origin: None,
        body: Sealed { key: None, bytes: Bytes::from_static(b"x") },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_redis_begins_an_epoch_above_everything_and_deliveries_come_back() {
    let mut redis = Redis::start().await;
    let mut node = Node::connect(&redis.url(), true).await;
    node.node.subscribe(&room()).await.unwrap();
    assert_eq!(node.insist().await, Position { epoch: 1, seq: 1 });
    assert_eq!(node.insist().await, Position { epoch: 1, seq: 2 });
    redis.kill9().await;
    assert!(node.publish().await.is_err());
    redis.restart().await;
    node.doubts().await;
    let first = node.insist().await;
    assert!(first.epoch > 1 && first.seq > 2, "{first}");
    let second = node.insist().await;
    assert_eq!(second, first.next());
    let span = node.node.after(&room(), Position::START, 10).await.unwrap();
    let seqs: Vec<u64> = span.entries.iter().map(|entry| entry.position.seq).collect();
    assert_eq!(seqs, [1, 2, first.seq, second.seq], "what survived is still there, in order");
    assert_eq!(span.head, second);
    node.is_heard().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_never_issues_a_number_again() {
    let redis = Redis::start().await;
    let node = Node::connect(&redis.url(), true).await;
    let before = node.insist().await;
    redis.command(&["FLUSHALL"]).await;
    let after = node.insist().await;
    assert!(after.epoch > before.epoch && after.seq > before.seq, "{after}");
    let unknown = node.node.newest(&RoomId::parse("room:other").unwrap(), None, 1).await.unwrap();
    assert_eq!(unknown.head.epoch, after.epoch);
    assert!(unknown.head.seq > before.seq, "a room that cannot be known to be new begins above as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_script_alone_loses_nothing_and_begins_nothing() {
    let redis = Redis::start().await;
    let node = Node::connect(&redis.url(), true).await;
    node.insist().await;
    redis.command(&["SCRIPT", "FLUSH"]).await;
    assert_eq!(node.insist().await, Position { epoch: 1, seq: 2 });
}

#[tokio::test(flavor = "multi_thread")]
async fn several_nodes_that_start_at_once_agree_on_the_first_epoch() {
    let redis = Redis::start().await;
    let url = redis.url();
    let (first, second, third) =
        tokio::join!(Node::connect(&url, true), Node::connect(&url, true), Node::connect(&url, true));
    let (first, second, third) = tokio::join!(first.insist(), second.insist(), third.insist());
    let mut places = [first, second, third];
    places.sort();
    assert_eq!(places, [1, 2, 3].map(|seq| Position { epoch: 1, seq }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_redis_beside_a_database_with_history_is_a_loss() {
    let redis = Redis::start().await;
    let node = Node::connect(&redis.url(), false).await;
    assert!(node.insist().await.epoch > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_shards_is_refused_at_start() {
    let redis = Redis::start().await;
    Node::connect(&redis.url(), true).await;
    let options = RedisOptions { url: redis.url(), shards: 8, ..RedisOptions::default() };
    let refused = RedisNode::connect(options, NodeId::boot("other")).await;
    assert!(matches!(refused, Err(PortError::Refused(reason)) if reason.contains("16")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_redis_drops_is_back_by_itself_and_rooms_are_checked() {
    let redis = Redis::start().await;
    let mut node = Node::connect(&redis.url(), true).await;
    node.node.subscribe(&room()).await.unwrap();
    node.is_heard().await;
    redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    // Before or after the first delivery: a room whose numbers jump is checked in any case.
    if !node.is_heard().await {
        node.doubts().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_is_told_within_the_deadline_and_used_again_afterwards() {
    let redis = Redis::start().await;
    let node = Node::connect(&redis.url(), true).await;
    node.insist().await;
    redis.pause();
    let asked = Instant::now();
    assert!(node.publish().await.is_err());
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    redis.resume();
    node.insist().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentinel_failover_begins_an_epoch_and_deliveries_come_back() {
    let mut master = Redis::start().await;
    let replica = Redis::start_with(&format!("replicaof 127.0.0.1 {}", master.port())).await;
    let (_sentinel, url, _folder) = sentinel(master.port()).await;
    until(|| async { replica.command(&["INFO", "replication"]).await.contains("master_link_status:up") })
        .await;
    let mut node = Node::connect(&url, true).await;
    node.node.subscribe(&room()).await.unwrap();
    node.is_heard().await;
    let before = node.insist().await;
    until(|| async { replica.command(&["EXISTS", "hubbub:shards"]).await.contains('1') }).await;
    master.kill9().await;
    let after = node.insist().await;
    assert!(after.epoch > before.epoch && after.seq > before.seq, "{after}");
    // Before or after the first delivery: a room whose numbers jump is checked in any case.
    if !node.is_heard().await {
        node.doubts().await;
    }
}

/// A sentinel that gives up on its master after a second.
async fn sentinel(master: u16) -> (Process, String, Folder) {
    let (port, folder) = (free_port(), Folder::new());
    let settings = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {master} 1\n\
         sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n",
        folder.path().display()
    );
    let file = folder.join("sentinel.conf");
    std::fs::write(&file, settings).unwrap();
    let server = program("redis-server");
    let mut process = Process::launch(server).arg(file.display().to_string()).arg("--sentinel").start();
    process.wait_for_line("+monitor", WAIT).await;
    (process, format!("redis-sentinel://127.0.0.1:{port}/main"), folder)
}

async fn until<F: Future<Output = bool>>(mut happened: impl FnMut() -> F) {
    let waited = timeout(WAIT, async {
        while !happened().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    waited.await.expect("it happens in time");
}
