//! Socket.IO v5 on Engine.IO: from a session to a client in the main namespace.
//!
//! Owns the wait for CONNECT and the protocol's own answers. Owns neither tokens nor rooms: a client that has
//! said CONNECT is handed to a [`Connector`] together with the domain's `Transport`. Invariant: a session
//! whose client does not say CONNECT in time is closed.

mod link;
mod payload;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use tokio::time::timeout;
use wire::socketio::packet::MAIN;

use crate::engineio::{Application, Beat, Engine, EngineOptions, Heartbeat, Session, Visit};

pub use link::{Heard, Link};
pub use socket::Socket;

/// How sessions behave.
#[derive(Debug, Clone)]
pub struct SocketIoOptions {
    /// The layer below.
    pub engine: EngineOptions,
    /// Time for a client to say CONNECT.
    pub connect_timeout: Duration,
}

impl Default for SocketIoOptions {
    fn default() -> Self {
        Self { engine: EngineOptions::default(), connect_timeout: Duration::from_secs(10) }
    }
}

/// A client that has said CONNECT to the main namespace, and waits for the answer.
#[derive(Debug)]
pub struct Greeting {
    /// The request that opened its session.
    pub visit: Box<Visit>,
    /// The JSON object that it sent along, whole and valid.
    pub auth: Option<Bytes>,
}

/// What clients are connected to.
pub trait Connector: Send + Sync + 'static {
    /// Looks at a request that would open a session; an answer turns it away.
    fn refuse(&self, _visit: &Visit) -> Option<Response> {
        None
    }

    /// The whole life of one client, in one task. It begins with the answer: a fed frame `40{"sid":…}` lets
    /// the client in, `close` refuses it. Only what the client says in the main namespace is heard.
    fn connect(&self, greeting: Greeting, transport: Socket) -> impl Future<Output = ()> + Send;
}

/// The application that an [`Engine`] runs for the sake of a connector.
pub struct SocketIo<C> {
    options: SocketIoOptions,
    connector: C,
}

impl<C: Connector> SocketIo<C> {
    /// The endpoint: hand it every request to `/socket.io/`.
    pub fn engine(options: SocketIoOptions, connector: C) -> Arc<Engine<Self>> {
        Engine::new(options.engine.clone(), Self { options, connector })
    }

    /// What clients are connected to.
    pub fn connector(&self) -> &C {
        &self.connector
    }

    /// Lets a session's client say CONNECT in time; `None`: it is over.
    async fn greet(&self, visit: Box<Visit>, session: Session) -> Option<(Greeting, Socket)> {
        let mut link = Link::new(session, &[MAIN]);
        let reason = match timeout(self.options.connect_timeout, self.greeted(&mut link)).await {
            Ok(Some(auth)) => return Some((Greeting { visit, auth }, Socket::new(link))),
            // The close codes are for people with a browser's inspector; no client reads them here.
            Ok(None) => "",
            Err(_) => "no CONNECT in time",
        };
        link.close(1002, reason).await;
        None
    }

    /// Waits for CONNECT; `None`: the client is gone, or has broken the rules.
    async fn greeted(&self, link: &mut Link) -> Option<Option<Bytes>> {
        let mut heartbeat = Heartbeat::new(&self.options.engine);
        loop {
            tokio::select! {
                heard = link.receive() => match heard {
                    Heard::Connect { auth, .. } => return Some(auth),
                    Heard::Alive | Heard::Pong => heartbeat.heard(),
                    Heard::TooLarge | Heard::Gone => return None,
                    // Not before CONNECT.
                    Heard::Event { .. } | Heard::Disconnect { .. } => return None,
                },
                beat = heartbeat.next() => match beat {
                    Beat::Ping => link.ping().await.ok()?,
                    Beat::Dead => return None,
                },
            }
        }
    }
}

impl<C: Connector> Application for SocketIo<C> {
    fn refuse(&self, visit: &Visit) -> Option<Response> {
        self.connector.refuse(visit)
    }

    fn serve(&self, visit: Box<Visit>, session: Session) -> impl Future<Output = ()> + Send {
        // Boxed: over as soon as the client is in.
        let greeted = Box::pin(self.greet(visit, session));
        async move {
            if let Some((greeting, socket)) = greeted.await {
                self.connector.connect(greeting, socket).await;
            }
        }
    }
}
