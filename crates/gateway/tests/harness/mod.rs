//! One whole edge over a real database file, with a broker and a directory that can be made to fail.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod client;
pub(crate) mod hub;
pub(crate) mod ports;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use broker::memory::{Memory, MemoryOptions};
use domain::node::{Door, Node, Ports};
use domain::ports::{Broker, Sealer, ShardLease, Store};
use domain::seal::Keyring;
use domain::words::{
    Author, Content, Draft, Entry, KeyId, Kind, Limits, MessageId, NodeId, Policies, Position, RoomId,
    Timestamp, UserId,
};
use gateway::socketio::SocketIoOptions;
use gateway::{
    AcceptOptions, AuthOptions, Authenticator, Doors, EventsDoor, Gateway, KeySource, Peers, SocketIoDoors,
    router, run,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use store::StoreOptions;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use client::{Answer, Client};
use ports::{Listening, Watched};

/// The shared secret of these tests.
pub(crate) const SECRET: &[u8] = b"a secret of these tests, 32 bytes and more";

/// A running edge; its tasks end with the test's runtime.
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    pub(crate) node: Arc<Node>,
    pub(crate) directory: Arc<Watched>,
    pub(crate) broker: Arc<Listening>,
    store: Arc<dyn Store>,
    sealer: Arc<Keyring>,
    _folder: TempDir,
}

/// Options around the shared secret.
pub(crate) fn options() -> AuthOptions {
    AuthOptions::new(KeySource::Secret(SECRET.to_vec()))
}

impl Edge {
    /// An edge with the usual options.
    pub(crate) async fn usual() -> Self {
        Self::start(options()).await
    }

    /// An edge whose users are admitted with these options.
    pub(crate) async fn start(auth: AuthOptions) -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("edge.db").display());
        store::migrate(&url).await.unwrap();
        let opened = store::open(&url, StoreOptions::default()).await.unwrap();
        let (directory, id) = (Arc::new(Watched::new(opened.directory)), NodeId::boot("test"));
        let memory = Memory::new(MemoryOptions::default()).node(id.clone());
        let broker = Arc::new(Listening::new(memory.clone()));
        let authenticator = Arc::new(Authenticator::open(auth).await.unwrap());
        let sealer = Arc::new(Keyring::new([(KeyId::parse("k").unwrap(), [7; 32])]).unwrap());
        let ports = Ports {
            broker: broker.clone(),
            presence: memory.clone(),
            store: opened.store.clone(),
            directory: directory.clone(),
            notes: memory,
            bookings: opened.bookings,
            uploads: opened.uploads,
            tokens: authenticator.clone(),
            sealer: sealer.clone(),
        };
        let node = Node::new(id, Limits::default(), Policies::default(), ports);
        let running = node.clone();
        tokio::spawn(async move { running.run().await });
        let peers = Peers::new(node.notes().clone(), "test", "127.0.0.1:1".to_owned());
        let gateway = Gateway::new(node.clone(), authenticator, doors(), SocketIoOptions::default(), peers);
        let router = router(gateway);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(run(listener, router, AcceptOptions::default(), CancellationToken::new()));
        Self { address, node, directory, broker, store: opened.store, sealer, _folder: folder }
    }

    /// A client that says nothing of who it is.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// A client with a token of these claims.
    pub(crate) fn with(&self, claims: &Value) -> Client {
        self.client().header("Authorization", &format!("Bearer {}", token(claims)))
    }

    /// A user with an ordinary token.
    pub(crate) fn user(&self, id: &str) -> Client {
        self.with(&json!({"sub": id, "username": format!("{id}!"), "exp": seconds(600)}))
    }

    /// A user who is known from now on.
    pub(crate) async fn known(&self, id: &str) -> Client {
        let client = self.user(id);
        assert_eq!(client.get("/api/me").await.status, 200);
        client
    }

    /// Waits until the user sits in the room.
    pub(crate) async fn seated(&self, room: &str, user: &str) {
        let (room, user) = (RoomId::parse(room).unwrap(), UserId::text(user).unwrap());
        let seated = async {
            while !self.node.members(&room, 100).await.unwrap().0.iter().any(|member| member.user == user) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), seated).await.expect("the user is seated in time");
    }

    /// Says something in a room and keeps it, sealed, as the persister would.
    pub(crate) async fn say(&self, room: &str, user: &str, text: &str) -> Position {
        let (room, id) = (RoomId::parse(room).unwrap(), MessageId::new());
        let body = self.sealer.seal(&room, id, &Content::text(text).to_bytes());
        let author = Author { user: UserId::text(user).unwrap(), name: None };
        let draft = Draft {
            room,
            id,
            kind: Kind::Message,
            target: None,
            author,
            client_id: None,
            sent_at: Timestamp::now(),
            origin: None,
            body,
        };
        let position = self.broker.publish(draft.clone()).await.unwrap().position;
        let lease = ShardLease { shard: 0, fence: 1 };
        self.store.append(&[lease], &[Entry { position, draft }]).await.unwrap();
        position
    }
}

fn doors() -> Doors {
    let socketio = |profile, recovers| {
        Arc::new(Door { profile, dialect: Arc::new(wire::socketio::SocketIo { recovers }) })
    };
    Doors {
        rooms: Arc::new(Door { profile: wire::rooms::PROFILE, dialect: Arc::new(wire::rooms::Rooms) }),
        hub: Arc::new(Door { profile: wire::hub::PROFILE, dialect: Arc::new(wire::hub::Hub::default()) }),
        events: EventsDoor {
            door: Arc::new(Door { profile: wire::events::PROFILE, dialect: Arc::new(wire::events::Events) }),
            watched: wire::events::watched,
        },
        socketio: SocketIoDoors {
            plain: socketio(wire::socketio::PROFILE, false),
            recovering: socketio(wire::socketio::PROFILE_RECOVERING, true),
        },
    }
}

/// Makes a chat and returns its id.
pub(crate) async fn chat(by: &Client, with: &[&str]) -> String {
    let made = by.post("/api/chats", &json!({"participantIds": with})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// The ids of a chat's participants, in order.
pub(crate) fn participants(answer: &Answer) -> Vec<Value> {
    let chat = answer.json();
    chat["participants"].as_array().unwrap().iter().map(|part| part["userId"].clone()).collect()
}

/// A token under the shared secret.
pub(crate) fn token(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

/// Seconds since 1970, moved by `offset`.
pub(crate) fn seconds(offset: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + offset
}
