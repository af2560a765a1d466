//! One whole edge whose dialects count what they encode. Benchmarks use it too.
#![allow(dead_code, reason = "each binary uses its own part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use broker::memory::{Memory, MemoryNode, MemoryOptions};
use bytes::Bytes;
use domain::dialect::{Answer, Dialect, Misread, Request};
use domain::node::{Door, Node, Ports};
use domain::ports::Created;
use domain::seal::Keyring;
use domain::words::{
    Author, Event, Form, Identity, KeyId, Limits, Namespace, NewChat, NodeId, Policies, Position, Profile,
    Role, RoomId, Timestamp, Token, UserId,
};
use gateway::socketio::SocketIoOptions;
use gateway::{
    AcceptOptions, AuthOptions, Authenticator, Doors, EventsDoor, Gateway, KeySource, Peers, SocketIoDoors,
    router, run,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use store::StoreOptions;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::client::Client;

/// What is said: about a hundred bytes, and nothing else contains it.
pub(crate) const TEXT: &str =
    "a hundred bytes of small talk, as people write them to each other, with nothing to be escaped in it!";
/// Two chats that everybody belongs to.
const CHATS: [&str; 2] = ["one", "two"];
const SECRET: &[u8] = b"a secret of these tests, 32 bytes and more";

/// The door that a client comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// One room at the door of raw rooms.
    Rooms,
    /// One room at the hub.
    Hub,
    /// One live room, by a client that can come back to where it stood.
    SocketIo,
    /// Two chats in turn, by such a client.
    Chats,
}

impl Speech {
    /// What the client's upgrade asks for.
    pub(crate) fn path(self, token: &str) -> String {
        match self {
            Self::Rooms => format!("/?token={token}"),
            Self::Hub => format!("/ws?token={token}"),
            Self::SocketIo | Self::Chats => "/socket.io/?EIO=4&transport=websocket".to_owned(),
        }
    }

    /// What the client says to be in the room, each with a part of the answer that it waits for.
    pub(crate) fn entrance(self, token: &str) -> Vec<(String, &'static str)> {
        match self {
            Self::Rooms | Self::Hub => {
                vec![(r#"{"type":"join_room","roomId":"lounge"}"#.to_owned(), r#"{"type":"joined""#)]
            }
            Self::SocketIo => vec![
                (format!("40{}", json!({"token": token})), "40{"),
                (r#"421["join_room","lounge"]"#.to_owned(), "431["),
            ],
            Self::Chats => vec![(format!("40{}", json!({"token": token})), "40{")],
        }
    }

    /// What the last one of so many members causes, and every member hears: buffers have their size behind it.
    pub(crate) fn settled(self, members: usize) -> Option<String> {
        match self {
            Self::Rooms | Self::Chats => None,
            Self::Hub => Some(format!(r#""roomId":"lounge","count":{members}"#)),
            Self::SocketIo => Some(format!(r#""count":{members}}}"#)),
        }
    }

    /// Two messages, equally long.
    pub(crate) fn chats(self) -> [String; 2] {
        match self {
            Self::Rooms | Self::Hub => {
                let chat = json!({"type": "chat", "roomId": "lounge", "message": TEXT}).to_string();
                [chat.clone(), chat]
            }
            Self::SocketIo => {
                let chat = format!("42{}", json!(["send_message", {"roomId": "lounge", "text": TEXT}]));
                [chat.clone(), chat]
            }
            Self::Chats => {
                CHATS.map(|chat| format!("42{}", json!(["message:send", {"chatId": chat, "content": TEXT}])))
            }
        }
    }
}

/// A dialect that counts the events it encodes.
struct Counting<D> {
    dialect: D,
    events: Arc<AtomicUsize>,
}

impl<D: Dialect> Dialect for Counting<D> {
    fn slot(&self) -> usize {
        self.dialect.slot()
    }

    fn acknowledges(&self, reference: Option<&str>) -> bool {
        self.dialect.acknowledges(reference)
    }

    fn inlines_history(&self) -> bool {
        self.dialect.inlines_history()
    }

    fn decode(&self, frame: &[u8]) -> Result<Request, Misread> {
        self.dialect.decode(frame)
    }

    fn event(&self, event: &Event, form: Form) -> Option<Bytes> {
        if matches!(event, Event::Message(_)) {
            self.events.fetch_add(1, Ordering::Relaxed);
        }
        self.dialect.event(event, form)
    }

    fn placed(&self, frame: &Bytes, places: &[(RoomId, Position)]) -> Bytes {
        self.dialect.placed(frame, places)
    }

    fn places(&self, text: &str) -> Option<Vec<(RoomId, Position)>> {
        self.dialect.places(text)
    }

    fn answer(&self, answer: &Answer, reference: Option<&str>) -> Option<Bytes> {
        self.dialect.answer(answer, reference)
    }
}

/// A running edge. It ends with its runtime.
pub(crate) struct Edge {
    pub(crate) runtime: Runtime,
    pub(crate) node: Arc<Node>,
    pub(crate) broker: Arc<MemoryNode>,
    pub(crate) sealer: Arc<Keyring>,
    pub(crate) rooms: Arc<Door>,
    address: SocketAddr,
    encodings: Vec<Arc<AtomicUsize>>,
    _folder: TempDir,
}

impl Edge {
    /// An edge on one thread of its own, sealing as in production, with nothing that limits how much is said.
    pub(crate) fn start() -> Self {
        Self::on(Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
    }

    /// The same on another runtime.
    pub(crate) fn on(runtime: Runtime) -> Self {
        // As in the program; a second one in this process is none.
        let _ = PrometheusBuilder::new().install_recorder();
        let folder = TempDir::new().unwrap();
        let mut encodings = Vec::new();
        let doors = doors(&mut encodings);
        let rooms = doors.rooms.clone();
        let url = format!("sqlite://{}", folder.path().join("edge.db").display());
        let sealer = Arc::new(Keyring::new([(KeyId::parse("k").unwrap(), [7; 32])]).unwrap());
        let (node, broker, address) = runtime.block_on(serve(&url, doors, sealer.clone()));
        Self { runtime, node, broker, sealer, rooms, address, encodings, _folder: folder }
    }

    /// As many members, each in the room; nothing is still on its way to them.
    pub(crate) fn members(&self, speech: Speech, count: usize) -> Vec<Client> {
        if speech == Speech::Chats {
            self.runtime.block_on(self.found_chats(count));
        }
        let mut clients: Vec<_> = (0..count).map(|number| self.client(speech, number)).collect();
        if let Some(settled) = speech.settled(count) {
            clients.iter_mut().for_each(|client| client.until(settled.as_bytes()));
        }
        clients
    }

    /// Makes the chats, of users who will come.
    async fn found_chats(&self, members: usize) {
        let users: Vec<_> = (0..members).map(user).collect();
        for user in &users {
            let who = Author { user: user.clone(), name: None };
            self.node.directory().admit(&who, Role::User, true).await.unwrap();
        }
        for chat in CHATS {
            let room = RoomId::new(Namespace::Chat, chat).unwrap();
            let (owner, others) = (users[0].clone(), users[1..].to_vec());
            let chat = NewChat { room, title: None, owner, others, direct: false };
            assert!(matches!(self.node.directory().create_chat(&chat).await, Ok(Created::New(_))));
        }
    }

    /// A client in the room, by this door.
    pub(crate) fn client(&self, speech: Speech, number: usize) -> Client {
        let expires_at = Timestamp::now().0 / 1000 + 3600;
        let claims = json!({"sub": user(number).as_str(), "username": "Anna", "exp": expires_at});
        let key = EncodingKey::from_secret(SECRET);
        Client::enter(self.address, speech, &encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap())
    }

    /// How many messages each dialect has encoded.
    pub(crate) fn encodings(&self) -> Vec<usize> {
        self.encodings.iter().map(|events| events.load(Ordering::Relaxed)).collect()
    }
}

fn user(number: usize) -> UserId {
    UserId::text(&format!("user-{number}")).unwrap()
}

/// Somebody whose token lasts.
pub(crate) fn identity(number: usize) -> Identity {
    let (user, expires_at) = (user(number), Timestamp(Timestamp::now().0 + 3_600_000));
    Identity { user, name: None, role: Role::User, expires_at, rooms: None, token: Token::default() }
}

async fn serve(url: &str, doors: Doors, sealer: Arc<Keyring>) -> (Arc<Node>, Arc<MemoryNode>, SocketAddr) {
    store::migrate(url).await.unwrap();
    let opened = store::open(url, StoreOptions::default()).await.unwrap();
    let id = NodeId::boot("test");
    let memory = Memory::new(MemoryOptions::default()).node(id.clone());
    let options = AuthOptions::new(KeySource::Secret(SECRET.to_vec()));
    let authenticator = Arc::new(Authenticator::open(options).await.unwrap());
    let ports = Ports {
        broker: memory.clone(),
        presence: memory.clone(),
        store: opened.store,
        directory: opened.directory,
        notes: memory.clone(),
        bookings: opened.bookings,
        uploads: opened.uploads,
        tokens: authenticator.clone(),
        sealer,
    };
    let (off, hour) = (Duration::ZERO, Duration::from_secs(3600));
    let limits = Limits {
        commands_per_second: 0,
        ping_interval: off,
        revalidation: off,
        recovery: hour,
        ..Limits::default()
    };
    let node = Node::new(id, limits, Policies::default(), ports);
    let running = node.clone();
    tokio::spawn(async move { running.run().await });
    let peers = Peers::new(memory.clone(), "test", "127.0.0.1:1".to_owned());
    let gateway = Gateway::new(node.clone(), authenticator, doors, SocketIoOptions::default(), peers);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(run(listener, router(gateway), AcceptOptions::default(), CancellationToken::new()));
    (node, memory, address)
}

fn doors(encodings: &mut Vec<Arc<AtomicUsize>>) -> Doors {
    let rooms = door(wire::rooms::PROFILE, wire::rooms::Rooms, encodings);
    let hub = door(wire::hub::PROFILE, wire::hub::Hub::default(), encodings);
    let recovers = wire::socketio::SocketIo { recovers: true };
    let recovering = door(wire::socketio::PROFILE_RECOVERING, recovers, encodings);
    let events = door(wire::events::PROFILE, wire::events::Events, &mut Vec::new());
    let plain = wire::socketio::SocketIo { recovers: false };
    let plain = door(wire::socketio::PROFILE, plain, &mut Vec::new());
    Doors {
        rooms,
        hub,
        events: EventsDoor { door: events, watched: wire::events::watched },
        socketio: SocketIoDoors { plain, recovering },
    }
}

fn door(
    profile: Profile,
    dialect: impl Dialect + 'static,
    encodings: &mut Vec<Arc<AtomicUsize>>,
) -> Arc<Door> {
    let events = Arc::new(AtomicUsize::new(0));
    encodings.push(events.clone());
    Arc::new(Door { profile, dialect: Arc::new(Counting { dialect, events }) })
}
