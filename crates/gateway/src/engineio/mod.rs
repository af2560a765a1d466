//! Engine.IO v4: sessions over long polling or a WebSocket, and the change from one to the other.
//!
//! Owns handshakes, session ids and the routes of requests to sessions. Owns no word of what sessions carry:
//! each one is handed to an [`Application`], which drives it in one task. Invariants: a session id is secret
//! and names its node; every buffer is bounded; a request never waits for a session that has ended.

mod heartbeat;
mod mailbox;
mod packet;
mod polling;
mod refusal;
mod registry;
mod session;
mod sid;
mod upgrade;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::words::Code;
use serde_json::json;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::accept::Peer;
use crate::handshake::{self, Handshake};
use crate::problem::Problem;
use crate::telemetry;
use mailbox::Mailbox;
use refusal::Refusal;
use registry::Registry;
use upgrade::Claim;

pub use heartbeat::{Beat, Heartbeat};
pub use session::{Incoming, Session};
pub use sid::node_of;

/// The header by which a balancer learns which node holds a session.
pub const SID_HEADER: HeaderName = HeaderName::from_static("x-eio-sid");
/// How long an ended session is remembered, so that a poll that crossed its end is told so.
const TOMBSTONE: Duration = Duration::from_secs(1);

/// How sessions behave.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// This node's name, the first part of every session id; of letters that a header and a URL may hold.
    pub node: String,
    /// Time between two pings, as the client is told.
    pub ping_interval: Duration,
    /// Time for the answer to a ping, as the client is told.
    pub ping_timeout: Duration,
    /// Longest message or polling body from a client, in bytes.
    pub max_payload: usize,
    /// Time for a WebSocket to take a session over.
    pub upgrade_timeout: Duration,
    /// Long-polling sessions at once; one more is answered 503.
    pub max_sessions: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            node: "node".to_owned(),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(35),
            max_payload: 64 * 1024,
            upgrade_timeout: Duration::from_secs(10),
            max_sessions: 20_000,
        }
    }
}

impl EngineOptions {
    /// How long a client may be silent.
    pub fn silence(&self) -> Duration {
        self.ping_interval + self.ping_timeout
    }
}

/// Who came: the request that opened the session.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its path and query.
    pub uri: Uri,
    /// Where it came from; a balancer, perhaps.
    pub peer: SocketAddr,
}

/// Packets in one answer to a poll of a Python client: it refuses more, and hangs up.
const PYTHON_PACKETS: usize = 16;

impl Visit {
    /// A copy: what a request is read into is one buffer of several KiB, and lives as long as any part of it. A client may take
    /// a while to say CONNECT, and in a storm thousands do.
    fn of(request: &Request, peer: SocketAddr) -> Self {
        let copied = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes());
        let headers = request.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.clone(), copied(value).ok()?))).collect();
        let uri = request.uri().to_string().parse().unwrap_or_default();
        Self { headers, uri, peer }
    }

    /// Whether this is a client in Python, or may be one. It says so as its agent; where it names another, it is
    /// known by writing `transport` before `EIO`, which those in JavaScript never do.
    pub fn is_python(&self) -> bool {
        let agent = self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let query = self.uri.query().unwrap_or_default();
        let place = |name| query.split('&').position(|pair| pair.starts_with(name));
        agent.is_some_and(|agent| agent.to_ascii_lowercase().contains("python"))
            || place("transport=") < place("EIO=")
    }
}

/// What sessions are for.
pub trait Application: Send + Sync + 'static {
    /// Looks at a request that would open a session; an answer turns it away.
    fn refuse(&self, _visit: &Visit) -> Option<Response> {
        None
    }

    /// The whole life of one session, in one task. The session ends when it is dropped.
    fn serve(&self, visit: Box<Visit>, session: Session) -> impl Future<Output = ()> + Send;
}

/// The sessions of one node and what they are for.
pub struct Engine<A> {
    options: EngineOptions,
    application: Arc<A>,
    registry: Arc<Registry>,
    /// The tasks of long-polling sessions; those of WebSockets belong to the accept loop.
    tasks: TaskTracker,
}

/// What a request says of itself in its query.
struct Query<'a> {
    version: Option<&'a str>,
    transport: Option<&'a str>,
    sid: Option<&'a str>,
}

impl<'a> Query<'a> {
    fn read(uri: &'a Uri) -> Self {
        let pairs = || uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let value = |key| pairs().find(|(name, _)| *name == key).map(|(_, value)| value);
        Self { version: value("EIO"), transport: value("transport"), sid: value("sid") }
    }
}

impl<A: Application> Engine<A> {
    /// Sessions for this application.
    pub fn new(options: EngineOptions, application: A) -> Arc<Self> {
        let (registry, tasks) = Default::default();
        Arc::new(Self { options, application: Arc::new(application), registry, tasks })
    }

    /// What the sessions are for.
    pub fn application(&self) -> &A {
        &self.application
    }

    /// Answers one request to the endpoint, whatever its method.
    pub async fn answer(&self, request: Request) -> Response {
        let query = Query::read(request.uri());
        if query.version != Some("4") {
            return Refusal::UnknownVersion.into_response();
        }
        let is_upgrade = match query.transport {
            Some("polling") => false,
            Some("websocket") => true,
            Some(_) | None => return Refusal::UnknownTransport.into_response(),
        };
        if is_upgrade && !handshake::is_wanted(request.headers()) {
            return Refusal::BadRequest.into_response();
        }
        match query.sid {
            Some(sid) => match self.registry.find(sid) {
                None => Refusal::UnknownSession.into_response(),
                Some(mailbox) if is_upgrade => self.upgrade(&mailbox, request),
                Some(mailbox) => self.carry(&mailbox, request).await,
            },
            None if request.method() != Method::GET => Refusal::WrongMethod.into_response(),
            None => self.open(request, is_upgrade),
        }
    }

    /// Waits until every long-polling session is over. Call it after the node has drained.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn carry(&self, mailbox: &Mailbox, request: Request) -> Response {
        match *request.method() {
            Method::GET => polling::poll(mailbox).await,
            Method::POST => {
                let (largest, patience) = (self.options.max_payload, self.options.silence());
                polling::post(mailbox, request.into_body(), largest, patience).await
            }
            _ => Refusal::BadRequest.into_response(),
        }
    }

    fn upgrade(&self, mailbox: &Arc<Mailbox>, mut request: Request) -> Response {
        let handshake = match Handshake::read(&mut request) {
            Ok(handshake) => handshake,
            Err(problem) => return problem.into_response(),
        };
        let (claim, limit) = (Claim::new(mailbox), self.options.upgrade_timeout);
        handshake.complete_within(self.options.max_payload, move |mut socket| async move {
            match claim {
                Some(claim) => claim.run(socket, limit).await,
                // Another WebSocket has the session, or had it.
                None => socket.part_with(1000, "").await,
            }
        })
    }

    fn open(&self, mut request: Request, on_websocket: bool) -> Response {
        let Some(Peer(peer)) = request.extensions().get().copied() else {
            return Problem::of(Code::Internal, "this connection has no peer").into_response();
        };
        let visit = Visit::of(&request, peer);
        if let Some(answer) = self.application.refuse(&visit) {
            return answer;
        }
        let sid = sid::fresh(&self.options.node);
        let header = HeaderValue::from_str(&sid).ok();
        let mut response = match on_websocket {
            true => self.open_websocket(&sid, Box::new(visit), &mut request),
            false => self.open_polling(sid, Box::new(visit)),
        };
        if let Some(sid) = header {
            response.headers_mut().insert(SID_HEADER, sid);
        }
        response
    }

    fn open_websocket(&self, sid: &str, visit: Box<Visit>, request: &mut Request) -> Response {
        let handshake = match Handshake::read(request) {
            Ok(handshake) => handshake,
            Err(problem) => return problem.into_response(),
        };
        let (hello, application) = (self.hello(sid, &[]), self.application.clone());
        handshake.complete_within(self.options.max_payload, move |socket| {
            // Boxed: over at once.
            let greeted = Box::pin(Session::greeted(socket, hello));
            async move {
                if let Some(session) = greeted.await {
                    application.serve(visit, session).await;
                }
            }
        })
    }

    fn open_polling(&self, sid: Box<str>, visit: Box<Visit>) -> Response {
        let hello = self.hello(&sid, &["websocket"]);
        // For others the room for bytes is the bound.
        let most_packets = if visit.is_python() { PYTHON_PACKETS } else { usize::MAX };
        let mailbox = Arc::new(Mailbox::new(self.options.silence(), most_packets));
        let Some(entry) = self.registry.enter(sid, &mailbox, self.options.max_sessions) else {
            telemetry::refused("sessions");
            return Problem::of(Code::Overloaded, "this node has no room for another session")
                .after(Duration::from_secs(1))
                .into_response();
        };
        let application = self.application.clone();
        self.tasks.spawn(async move {
            // Boxed: what is left after it is a second's sleep.
            Box::pin(application.serve(visit, Session::on_polling(mailbox))).await;
            sleep(TOMBSTONE).await;
            drop(entry);
        });
        polling::answer(hello)
    }

    /// The open packet.
    fn hello(&self, sid: &str, upgrades: &[&str]) -> Bytes {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let hello = json!({
            "sid": sid,
            "upgrades": upgrades,
            "pingInterval": millis(self.options.ping_interval),
            "pingTimeout": millis(self.options.ping_timeout),
            "maxPayload": self.options.max_payload,
        });
        format!("0{hello}").into()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_visit_has_every_line_of_its_request() {
        let request = Request::builder()
            .uri("/socket.io/?EIO=4&token=a%20b")
            .header("cookie", "a=1")
            .header("cookie", "token=2")
            .header("x-forwarded-for", "192.0.2.1")
            .body(Body::empty())
            .unwrap();
        let visit = Visit::of(&request, SocketAddr::from(([127, 0, 0, 1], 1)));
        assert_eq!(&visit.uri, request.uri());
        assert_eq!(&visit.headers, request.headers());
    }
}
