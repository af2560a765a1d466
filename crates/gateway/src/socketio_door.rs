//! The door of Socket.IO clients: from CONNECT to a connection that the node serves.
//!
//! Owns who is let in, and which clients can come back to where they stood. Invariant: nobody is told that they are
//! connected before the node has taken their seats.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::node::{Door, Node, Resume, Transport, Visitor};
use domain::words::{CloseReason, Code, Identity, Timestamp};
use serde_json::Value;

use crate::auth::{Authenticator, Barred, Whence};
use crate::engineio::{Visit, node_of};
use crate::gateway::Gateway;
use crate::peers;
use crate::problem::Problem;
use crate::socketio::{Connector, Greeting, Socket};
use crate::telemetry::{self, Counted};

/// What every refused client is told; which of the reasons it was is for the log.
const REFUSED: CloseReason = CloseReason::BadToken("Authentication error");

/// The doors of Socket.IO clients.
#[derive(Clone)]
pub struct SocketIoDoors {
    /// For clients that take exactly what an event is documented to carry.
    pub plain: Arc<Door>,
    /// For clients that come back to where they stood, by one more argument of each event.
    pub recovering: Arc<Door>,
}

/// What clients that say CONNECT are led to.
pub(crate) struct Entrance {
    pub(crate) node: Arc<Node>,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) doors: SocketIoDoors,
}

/// Every request to the public endpoint: a session of another node is asked there.
pub(crate) async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let owner = session(&request).and_then(node_of).map(str::to_owned);
    match owner {
        Some(owner) if owner != gateway.peers.name() => {
            let answer = peers::hand_on(&gateway.peers, &owner, request).await;
            answer.unwrap_or_else(unknown_session)
        }
        Some(_) | None => gateway.engine.answer(request).await,
    }
}

/// Every request that another node hands on: answered here, and never handed on again.
pub(crate) async fn answer_peer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    if !gateway.peers.trusts(request.headers()) || session(&request).is_none() {
        return Problem::of(Code::Forbidden, "this is for the nodes of this cluster").into_response();
    }
    gateway.engine.answer(request).await
}

/// The session that a request belongs to.
fn session(request: &Request) -> Option<&str> {
    let pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(name, _)| *name == "sid").map(|(_, sid)| sid)
}

/// As the protocol answers for a session that nobody has: the client opens another.
fn unknown_session() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::BAD_REQUEST, kind, "{\"code\":1,\"message\":\"Session ID unknown\"}").into_response()
}

impl Connector for Entrance {
    fn refuse(&self, visit: &Visit) -> Option<Response> {
        if self.node.is_draining() {
            telemetry::refused("draining");
            return Some(Problem::draining().into_response());
        }
        let door = self.doors.plain.profile.name;
        let address = self.authenticator.address(&visit.headers, visit.peer);
        if let Err(wait) = self.authenticator.take_handshake(address, door) {
            return Some(Problem::too_many_handshakes(wait).into_response());
        }
        if !self.authenticator.admits_page(&visit.headers, &visit.uri, visit.peer, door) {
            let problem = Problem::of(Code::Forbidden, "this origin may not use the cookie");
            return Some(problem.into_response());
        }
        None
    }

    fn connect(&self, greeting: Greeting, transport: Socket) -> impl Future<Output = ()> + Send {
        // Boxed: what leads here must not lie in memory beside an idle connection.
        let let_in = Box::pin(self.let_in(greeting, transport));
        async move {
            if let Some((serving, _counted)) = let_in.await {
                serving.await;
            }
        }
    }
}

impl Entrance {
    /// The connection of a client that may come in; `None`: it was refused.
    async fn let_in(
        &self,
        greeting: Greeting,
        mut transport: Socket,
    ) -> Option<(Pin<Box<impl Future<Output = CloseReason> + Send + use<>>>, Counted)> {
        let said = Said::read(greeting.auth.as_deref());
        let recovers = !greeting.visit.is_python() && !self.node.limits().recovery.is_zero();
        let door = if recovers { &self.doors.recovering } else { &self.doors.plain };
        let address = self.authenticator.address(&greeting.visit.headers, greeting.visit.peer);
        let whence = Whence { address: Some(address), door: Some(door.profile.name) };
        match Box::pin(self.identify(&greeting.visit, said.token.as_deref(), whence)).await {
            Ok(identity) => {
                let visitor =
                    Visitor { resume: said.resume, address: Some(address), ..Visitor::new(identity) };
                let counted = Counted::at(&door.profile);
                Some((Box::pin(self.node.clone().serve(transport, door.clone(), visitor)), counted))
            }
            Err(reason) => {
                transport.close(reason).await;
                None
            }
        }
    }

    async fn identify(
        &self,
        visit: &Visit,
        said: Option<&str>,
        whence: Whence,
    ) -> Result<Identity, CloseReason> {
        let Visit { headers, uri, peer } = visit;
        let door = whence.door.unwrap_or_default();
        let identified = self.authenticator.identify_connect(headers, uri, *peer, door, said).await;
        let identity = identified.map_err(|_| REFUSED)?;
        if identity.expires_at <= Timestamp::now() {
            // Good by the leeway for clocks alone: it would be welcomed and ended in one breath.
            return Err(REFUSED);
        }
        if let Some(ruling) = self.node.ruling_against(&identity) {
            self.authenticator.refuse(whence, &identity, ruling);
            return Err(REFUSED);
        }
        match self.authenticator.admit_from(&**self.node.directory(), &identity, whence).await {
            Ok(account) => {
                let name = identity.name.clone().or(Some(account.name));
                Ok(Identity { name, ..identity })
            }
            Err(Barred::Unknown | Barred::Disabled) => Err(REFUSED),
            Err(Barred::Away(error)) => {
                tracing::warn!(%error, user.id = %identity.user, "the directory is away, a client is sent away for now");
                Err(CloseReason::Unavailable)
            }
        }
    }
}

/// What a client sends along with CONNECT.
#[derive(Default)]
struct Said {
    token: Option<String>,
    resume: Option<Resume>,
}

impl Said {
    fn read(auth: Option<&[u8]>) -> Self {
        let Some(Value::Object(mut said)) = auth.and_then(|text| serde_json::from_slice(text).ok()) else {
            return Self::default();
        };
        let mut text = |name: &str| match said.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(_) | None => None,
        };
        let (token, recovery, place) = (text("token"), text("pid"), text("offset"));
        let resume =
            recovery.map(|recovery| Resume { recovery: recovery.into(), place: place.map(Into::into) });
        Self { token, resume }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_along_with_connect_is_read_as_far_as_it_is_text() {
        let said = Said::read(Some(br#"{"token":"t","pid":"p","offset":"o","more":1}"#));
        assert_eq!(said.token.as_deref(), Some("t"));
        let resume = said.resume.unwrap();
        assert_eq!((&*resume.recovery, resume.place.as_deref()), ("p", Some("o")));
        for odd in [&b"[]"[..], b"{\"token\":7,\"pid\":{}}", b"nonsense"] {
            let said = Said::read(Some(odd));
            assert!(said.token.is_none() && said.resume.is_none());
        }
    }
}
