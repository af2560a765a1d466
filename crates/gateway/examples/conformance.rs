//! A small server for the official protocol suites: an Engine.IO echo at `/engine.io/` and the Socket.IO
//! application of the suite's description at `/socket.io/`, over the very layers of the product.
//!
//! Both suites speak to port 3000: `cargo run -p gateway --example conformance`, then the suite's `npm test`.
//! With `--product`, `/socket.io/` is served through the product's own `Connector` and `Transport`: one
//! namespace, and events with attachments are not echoed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use domain::node::{Gone, Inbound, Transport};
use domain::words::CloseReason;
use gateway::engineio::{Application, Beat, Engine, EngineOptions, Heartbeat, Incoming, Session, Visit};
use gateway::socketio::{Connector, Greeting, Heard, Link, Socket, SocketIo, SocketIoOptions};
use gateway::{AcceptOptions, run};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use wire::socketio::packet::{Kind, Packet};

/// Time for a client to say CONNECT, and the suites' heartbeat.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

fn options() -> EngineOptions {
    EngineOptions {
        node: "conformance".to_owned(),
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
        ..EngineOptions::default()
    }
}

/// A number for every client, as its public id.
fn public_id() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Sends every message back.
struct Echo;

impl Application for Echo {
    async fn serve(&self, _visit: Box<Visit>, mut session: Session) {
        let mut heartbeat = Heartbeat::new(&options());
        loop {
            let done = tokio::select! {
                incoming = session.receive() => {
                    heartbeat.heard();
                    match incoming {
                        Incoming::Text(text) => session.feed([b"4", &text[..]].concat().into()).await,
                        Incoming::Binary(bytes) => session.feed_binary(bytes).await,
                        Incoming::Alive | Incoming::Pong => Ok(()),
                        Incoming::TooLarge | Incoming::Gone => Err(Gone),
                    }
                }
                beat = heartbeat.next() => match beat {
                    Beat::Ping => session.ping().await,
                    Beat::Dead => Err(Gone),
                },
            };
            if done.is_err() || session.flush().await.is_err() {
                return session.close(1000, "").await;
            }
        }
    }
}

/// The application of the Socket.IO suite: namespaces `/` and `/custom`, `auth`, `message`, `message-with-ack`.
struct Suite;

impl Suite {
    async fn answer(link: &mut Link, heard: Heard) -> Result<(), Gone> {
        match heard {
            Heard::Connect { namespace, auth } => {
                let auth = auth.unwrap_or_else(|| Bytes::from_static(b"{}"));
                let (sid, auth) =
                    (format!("{{\"sid\":\"{}\"}}", public_id()), String::from_utf8_lossy(&auth));
                let event = format!("[\"auth\",{auth}]");
                for (kind, payload) in [(Kind::Connect, &sid), (Kind::Event, &event)] {
                    let packet = Packet { namespace, ..Packet::main(kind, payload) };
                    link.feed(format!("4{packet}").into()).await?;
                }
            }
            Heard::Event { packet, attachments, .. } => Self::event(link, &packet, attachments).await?,
            Heard::Disconnect { .. } | Heard::Alive | Heard::Pong => {}
            Heard::TooLarge | Heard::Gone => return Err(Gone),
        }
        link.flush().await
    }

    async fn event(link: &mut Link, packet: &[u8], attachments: Vec<Bytes>) -> Result<(), Gone> {
        let Some(answer) = std::str::from_utf8(packet).ok().and_then(answer_to) else { return Ok(()) };
        link.feed(answer).await?;
        for attachment in attachments {
            link.feed_binary(attachment).await?;
        }
        Ok(())
    }
}

/// `message` comes back as `message-back`, and `message-with-ack` as an acknowledgement.
fn answer_to(text: &str) -> Option<Bytes> {
    let event = Packet::parse(text).ok()?;
    if let Some(rest) = event.payload.strip_prefix("[\"message\"") {
        let payload = format!("[\"message-back\"{rest}");
        return Some(format!("4{}", Packet { payload: &payload, ..event }).into());
    }
    let rest = event.payload.strip_prefix("[\"message-with-ack\",")?;
    let kind = if event.kind.is_binary() { Kind::BinaryAck } else { Kind::Ack };
    let payload = format!("[{rest}");
    Some(format!("4{}", Packet { kind, payload: &payload, ..event }).into())
}

impl Application for Suite {
    async fn serve(&self, _visit: Box<Visit>, session: Session) {
        let mut link = Link::new(session, &["/", "/custom"]).with_attachments();
        let mut heartbeat = Heartbeat::new(&options());
        let (mut deadline, begin) = (Some(CONNECT_TIMEOUT), Instant::now());
        loop {
            let end = begin + deadline.unwrap_or(Duration::MAX / 4);
            let done = tokio::select! {
                heard = link.receive() => {
                    heartbeat.heard();
                    deadline = deadline.filter(|_| !matches!(heard, Heard::Connect { .. }));
                    Self::answer(&mut link, heard).await
                }
                beat = heartbeat.next() => match beat {
                    Beat::Ping => link.ping().await,
                    Beat::Dead => Err(Gone),
                },
                () = sleep_until(end), if deadline.is_some() => Err(Gone),
            };
            if done.is_err() {
                return link.close(1000, "").await;
            }
        }
    }
}

/// The same through the product's seam.
struct Product;

impl Connector for Product {
    async fn connect(&self, greeting: Greeting, mut socket: Socket) {
        let Greeting { visit, auth } = greeting;
        // A connection should not keep what only its beginning needs.
        drop(visit);
        let auth = auth.unwrap_or_else(|| Bytes::from_static(b"{}"));
        let hello = format!("40{{\"sid\":\"{}\"}}", public_id());
        let event = format!("42[\"auth\",{}]", String::from_utf8_lossy(&auth));
        let mut heartbeat = Heartbeat::new(&options());
        let mut said = vec![Bytes::from(hello), event.into()];
        let reason = loop {
            for frame in said.drain(..) {
                if socket.feed(frame).await.is_err() {
                    return;
                }
            }
            if socket.flush().await.is_err() {
                return;
            }
            tokio::select! {
                inbound = socket.receive() => {
                    heartbeat.heard();
                    match inbound {
                        Inbound::Frame(frame) => said.extend(std::str::from_utf8(&frame).ok().and_then(answer_to)),
                        Inbound::Alive | Inbound::Answered => {}
                        Inbound::TooLarge => break CloseReason::FrameTooLarge,
                        Inbound::Goodbye | Inbound::Gone => break CloseReason::Normal,
                    }
                }
                beat = heartbeat.next() => match beat {
                    Beat::Ping => drop(socket.ping().await),
                    Beat::Dead => break CloseReason::Silent,
                },
            }
        };
        socket.close(reason).await;
    }
}

async fn answer<A: Application>(State(engine): State<Arc<Engine<A>>>, request: Request) -> Response {
    engine.answer(request).await
}

fn route<A: Application>(path: &str, engine: Arc<Engine<A>>) -> Router {
    Router::new().route(path, any(answer::<A>)).with_state(engine)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().init();
    let product = SocketIoOptions { engine: options(), connect_timeout: CONNECT_TIMEOUT };
    let socketio = match std::env::args().any(|argument| argument == "--product") {
        true => route("/socket.io/", SocketIo::engine(product, Product)),
        false => route("/socket.io/", Engine::new(options(), Suite)),
    };
    let router = socketio.merge(route("/engine.io/", Engine::new(options(), Echo)));
    let address: SocketAddr = ([127, 0, 0, 1], 3000).into();
    let listener = tokio::net::TcpListener::bind(address).await?;
    tracing::info!(%address, "ready");
    run(listener, router, AcceptOptions::default(), CancellationToken::new()).await;
    Ok(())
}
