//! An edge of its own for each test, with applications that do as they are told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use domain::node::{Inbound, Transport};
use domain::words::CloseReason;
use gateway::engineio::{Application, Engine, EngineOptions, Incoming, Session, Visit};
use gateway::socketio::{Connector, Greeting, Socket, SocketIo, SocketIoOptions};
use gateway::{AcceptOptions, run};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The node that these sessions belong to.
pub(crate) const NODE: &str = "node-1.test";
/// Longest message or body here.
pub(crate) const LARGEST: usize = 1000;

/// Options of these tests.
pub(crate) fn options() -> EngineOptions {
    EngineOptions { node: NODE.to_owned(), max_payload: LARGEST, ..EngineOptions::default() }
}

async fn answer<A: Application>(State(engine): State<Arc<Engine<A>>>, request: Request) -> Response {
    engine.answer(request).await
}

async fn serve<A: Application>(engine: Arc<Engine<A>>) -> SocketAddr {
    let router = Router::new().route("/", any(answer::<A>)).with_state(engine);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(run(listener, router, AcceptOptions::default(), CancellationToken::new()));
    address
}

/// Serves sessions of this application.
pub(crate) async fn engine<A: Application>(options: EngineOptions, application: A) -> SocketAddr {
    serve(Engine::new(options, application)).await
}

/// Serves Socket.IO clients.
pub(crate) async fn socketio(options: SocketIoOptions) -> SocketAddr {
    serve(SocketIo::engine(options, Obedient)).await
}

/// Sends every message back.
pub(crate) struct Echo;

impl Application for Echo {
    async fn serve(&self, _visit: Box<Visit>, mut session: Session) {
        loop {
            let sent = match session.receive().await {
                Incoming::Text(text) => session.feed([b"4", &text[..]].concat().into()).await,
                Incoming::Binary(bytes) => session.feed_binary(bytes).await,
                Incoming::Alive | Incoming::Pong => Ok(()),
                Incoming::TooLarge => return session.close(1009, "too_large").await,
                Incoming::Gone => return,
            };
            if sent.is_err() || session.flush().await.is_err() {
                return;
            }
        }
    }
}

/// Counts up to the number that it is told, as fast as it may, and remembers how far it came.
#[derive(Default)]
pub(crate) struct Counter(pub(crate) Arc<AtomicUsize>);

impl Application for Counter {
    async fn serve(&self, _visit: Box<Visit>, mut session: Session) {
        let Incoming::Text(last) = session.receive().await else { return };
        let last: usize = std::str::from_utf8(&last).unwrap().parse().unwrap();
        for number in 1..=last {
            let fed = session.feed(format!("4{number:0>1000}").into()).await;
            if fed.is_err() || session.flush().await.is_err() {
                return;
            }
            self.0.store(number, Ordering::SeqCst);
        }
        while session.receive().await != Incoming::Gone {}
    }
}

/// Hears one message, writes for as long as it is told, and only then listens again.
#[derive(Default)]
pub(crate) struct Talker(pub(crate) Arc<AtomicBool>);

impl Application for Talker {
    async fn serve(&self, visit: Box<Visit>, mut session: Session) {
        session.receive().await;
        while !self.0.load(Ordering::SeqCst) {
            if session.feed("4tick".into()).await.is_err() || session.flush().await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        Echo.serve(visit, session).await;
    }
}

/// Welcomes clients, tells them what it heard, and closes for the reason that a client names.
struct Obedient;

impl Obedient {
    fn reason(frame: &[u8]) -> Option<CloseReason> {
        let text = std::str::from_utf8(frame).ok()?;
        Some(match text.strip_prefix("2[\"close\",\"")?.strip_suffix("\"]")? {
            "kicked" => CloseReason::Kicked,
            "draining" => CloseReason::Draining,
            "slow" => CloseReason::SlowConsumer,
            _ => CloseReason::Normal,
        })
    }
}

impl Connector for Obedient {
    async fn connect(&self, greeting: Greeting, mut socket: Socket) {
        let auth = greeting.auth.as_deref().map(|auth| String::from_utf8_lossy(auth).into_owned());
        match auth.as_deref() {
            Some("{\"as\":\"nobody\"}") => {
                return socket.close(CloseReason::BadToken("Authentication error")).await;
            }
            Some("{\"as\":\"many\"}") => return socket.close(CloseReason::TooManyConnections).await,
            Some("{\"as\":\"late\"}") => return socket.close(CloseReason::Draining).await,
            Some(_) | None => {}
        }
        assert!(greeting.visit.uri.query().is_some_and(|query| query.contains("EIO=4")));
        let mut said = vec![Bytes::from_static(b"40{\"sid\":\"public\"}")];
        loop {
            for frame in said.drain(..) {
                let _ = socket.feed(frame).await;
            }
            let _ = socket.flush().await;
            match socket.receive().await {
                Inbound::Frame(frame) => match Self::reason(&frame) {
                    Some(reason) => return socket.close(reason).await,
                    None => {
                        let heard = serde_json::json!(["heard", String::from_utf8_lossy(&frame)]);
                        said.push(format!("42{heard}").into());
                    }
                },
                Inbound::Alive | Inbound::Answered => {}
                Inbound::TooLarge => return socket.close(CloseReason::FrameTooLarge).await,
                Inbound::Goodbye | Inbound::Gone => return socket.close(CloseReason::Normal).await,
            }
        }
    }
}
