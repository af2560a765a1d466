//! One whole edge on a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use broker::memory::{Memory, MemoryOptions};
use domain::node::{Door, Node, Ports};
use domain::words::{Form, Joins, Limits, Namespace, NodeId, Policies, Profile, Refusal, RoomId, RoomRef};
use gateway::socketio::SocketIoOptions;
use gateway::{
    AcceptOptions, AuthOptions, Authenticator, Doors, EventsDoor, Gateway, Peers, SocketIoDoors,
    admin_router, router, run,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use store::StoreOptions;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Response};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use super::world::{Words, World};
use super::{secret_options, within};

/// A client's socket.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A running edge; its tasks end with the test's runtime.
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) node: Arc<Node>,
    pub(crate) world: Arc<World>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
    _folder: TempDir,
}

/// How an edge differs from the usual one.
pub(crate) struct Plan {
    pub(crate) auth: AuthOptions,
    pub(crate) limits: Limits,
    pub(crate) refusal: Refusal,
    pub(crate) accept: AcceptOptions,
}

impl Default for Plan {
    fn default() -> Self {
        let refusal = Refusal::Close { missing: "no token", bad: "bad token" };
        Self { auth: secret_options(), limits: Limits::default(), refusal, accept: AcceptOptions::default() }
    }
}

/// The process's one recorder.
fn recorder() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap()).clone()
}

impl Edge {
    pub(crate) async fn start(plan: Plan) -> Self {
        let metrics = recorder();
        let world = Arc::new(World::default());
        let id = NodeId::boot("test");
        let memory = Memory::new(MemoryOptions::default()).node(id.clone());
        let authenticator = Arc::new(Authenticator::open(plan.auth).await.unwrap());
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("edge.db").display());
        store::migrate(&url).await.unwrap();
        let opened = store::open(&url, StoreOptions::default()).await.unwrap();
        let ports = Ports {
            broker: world.clone(),
            presence: memory.clone(),
            store: world.clone(),
            directory: opened.directory,
            notes: memory.clone(),
            bookings: opened.bookings,
            uploads: opened.uploads,
            tokens: authenticator.clone(),
            sealer: world.clone(),
        };
        let node = Node::new(id, plan.limits, Policies::default(), ports);
        let peers = Peers::new(memory, "test", "127.0.0.1:1".to_owned());
        let socketio = SocketIoOptions::default();
        let gateway = Gateway::new(node.clone(), authenticator, doors(plan.refusal), socketio, peers);
        let stop = CancellationToken::new();
        let (address, task) = listen(router(gateway.clone()), plan.accept, &stop).await;
        let (admin, _) = listen(admin_router(gateway, metrics), AcceptOptions::default(), &stop).await;
        Self { address, admin, node, world, stop, task, _folder: folder }
    }

    /// A WebSocket at `path`, with these headers.
    pub(crate) async fn connect(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(Socket, Response<Option<Vec<u8>>>), Error> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        within(connect_async(request)).await
    }

    /// A WebSocket of the user with this token.
    pub(crate) async fn enter(&self, token: &str) -> Socket {
        self.connect(&format!("/?token={token}"), &[]).await.unwrap().0
    }

    /// The answer to a plain request.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        request(self.address, "GET", path, headers).await
    }
}

fn doors(refusal: Refusal) -> Doors {
    let rooms = door("rooms", refusal);
    let feed = Profile { welcomes: true, ..door("events", refusal).profile };
    Doors {
        hub: door("hub", Refusal::Unauthorized),
        events: EventsDoor { door: Arc::new(Door { profile: feed, dialect: Arc::new(Words) }), watched },
        socketio: SocketIoDoors { plain: door("socketio", refusal), recovering: door("socketio", refusal) },
        rooms,
    }
}

/// The event whose number stands in the path.
fn watched(path: &str) -> Option<RoomRef> {
    let number: u32 = path.parse().ok()?;
    let id = RoomId::new(Namespace::Event, &number.to_string()).ok()?;
    Some(RoomRef { id, form: Form::Number })
}

fn door(name: &'static str, refusal: Refusal) -> Arc<Door> {
    let profile = Profile {
        name,
        refusal,
        warns_of_expiry: false,
        joins: Joins::default(),
        welcomes: false,
        shows_members: false,
        recovers: false,
        tells_stored: false,
        shows_users: false,
    };
    Arc::new(Door { profile, dialect: Arc::new(Words) })
}

async fn listen(
    router: axum::Router,
    options: AcceptOptions,
    stop: &CancellationToken,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(run(listener, router, options, stop.clone())))
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("JSON: {}", self.body))
    }

    /// Status and code of a problem document.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.body);
        let body = self.json();
        assert_eq!(body["status"], self.status);
        assert!(body["title"].is_string() && body["detail"].is_string() && body["type"].is_string());
        (self.status, body["code"].as_str().unwrap().to_owned())
    }
}

/// One request over a connection of its own, written by hand so that nothing is added.
pub(crate) async fn request(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {at}\r\n");
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str("\r\n");
    let mut socket = TcpStream::connect(at).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    within(read_answer(&mut socket)).await
}

/// One answer, as long as its head says.
async fn read_answer(socket: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let answer = Answer { status, head: head.to_owned(), body: body.to_owned() };
            let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            if bytes.len() - head.len() - 4 >= length {
                return answer;
            }
        }
        assert!(socket.read_buf(&mut bytes).await.unwrap() > 0, "the answer is whole: {text}");
    }
}

/// The next text, passing over pings.
pub(crate) async fn text(socket: &mut Socket) -> String {
    use futures::StreamExt;
    within(async {
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("a text, not {other:?}"),
            }
        }
    })
    .await
}

/// Code and reason of the close frame; whatever comes before it is passed over.
pub(crate) async fn closed(socket: &mut Socket) -> (u16, String) {
    use futures::StreamExt;
    within(async {
        loop {
            if let Message::Close(frame) = socket.next().await.expect("a close frame").expect("no reset") {
                let frame = frame.expect("a code");
                return (frame.code.into(), frame.reason.as_str().to_owned());
            }
        }
    })
    .await
}
