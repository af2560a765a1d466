//! The accept loop: from a listening socket to HTTP requests.
//!
//! Owns the number of sockets, slow clients, and the end of every connection's task. Invariant: a
//! permit lives exactly as long as its socket, also after an upgrade, and `run` returns only when
//! every task that it started, or that an upgrade started for it, is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use domain::security::Incident;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::seldom::Seldom;
use crate::telemetry;

/// How one listener treats its sockets.
#[derive(Debug, Clone)]
pub struct AcceptOptions {
    /// Sockets that may be open at once, upgraded ones included.
    pub max_connections: usize,
    /// Time for a request's head to arrive; also the longest pause between two requests.
    pub header_timeout: Duration,
    /// Longest request head, in bytes; at least 8 KiB.
    pub max_head: usize,
    /// How long a connection may go on with plain requests; upgraded ones are not meant. It bounds
    /// clients that ask and never read.
    pub http_lifetime: Duration,
    /// Time for the answer that is under way when that is over; longer than any poll waits.
    pub last_answer: Duration,
    /// After `shutdown`: how long connections may go on before they are cut.
    pub grace: Duration,
}

impl Default for AcceptOptions {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            header_timeout: Duration::from_secs(10),
            max_head: 32 * 1024,
            http_lifetime: Duration::from_secs(300),
            last_answer: Duration::from_secs(65),
            grace: Duration::from_secs(5),
        }
    }
}

/// Sockets above the cap that are told so at the same time; more are closed without a word.
const REFUSALS: usize = 64;
/// Longest time that a refused socket is kept.
const REFUSAL_TIME: Duration = Duration::from_secs(1);
/// Shortest and longest wait after an accept that failed for want of something.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// The peer's address, as an extension of each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// A request's hold on its socket: whoever keeps it keeps the permit, and `run` waiting.
#[derive(Clone)]
pub(crate) struct Hold {
    tasks: TaskTracker,
    cut: CancellationToken,
    /// Given back when the last clone is dropped.
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Hold {
    /// Runs what an upgrade leaves behind; it is dropped where it stands when the grace is over.
    pub(crate) fn keep_through(self, work: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.tasks.clone();
        tasks.spawn(async move {
            // The whole of it: a block that names one field would capture that alone, and free the permit.
            let hold = self;
            tokio::select! {
                () = work => {}
                () = hold.cut.cancelled() => {}
            }
        });
    }
}

struct Acceptor {
    router: Router,
    options: AcceptOptions,
    permits: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    told: Seldom,
    tasks: TaskTracker,
    cut: CancellationToken,
    shutdown: CancellationToken,
}

/// Serves until `shutdown` is cancelled, then lets connections finish within the grace. Cancel it after
/// the node has drained: until then balancers must be able to read that it is not ready.
pub async fn run(listener: TcpListener, router: Router, options: AcceptOptions, shutdown: CancellationToken) {
    let acceptor = Arc::new(Acceptor {
        router,
        permits: Arc::new(Semaphore::new(options.max_connections.min(Semaphore::MAX_PERMITS))),
        refusals: Arc::new(Semaphore::new(REFUSALS)),
        told: Seldom::default(),
        tasks: TaskTracker::new(),
        cut: CancellationToken::new(),
        options,
        shutdown,
    });
    acceptor.accept(&listener).await;
    drop(listener);
    acceptor.finish().await;
}

impl Acceptor {
    async fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut backoff = BACKOFF.0;
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    backoff = BACKOFF.0;
                    self.admit(socket, peer);
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    // No descriptors or no memory: trying at once would only burn the processor.
                    tracing::error!(%error, "accept failed");
                    tokio::select! {
                        () = self.shutdown.cancelled() => return,
                        () = sleep(backoff) => {}
                    }
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        telemetry::accepted();
        // Frames are small and latency is what we sell: never wait to fill a segment.
        if socket.set_nodelay(true).is_err() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return self.refuse(socket, peer);
        };
        let (tasks, cut) = (self.tasks.clone(), self.cut.clone());
        let hold = Hold { tasks, cut, _permit: Arc::new(permit) };
        self.tasks.spawn(Arc::clone(self).serve(socket, peer, hold));
    }

    fn refuse(&self, socket: TcpStream, peer: SocketAddr) {
        telemetry::refused("connections");
        if self.told.may() {
            let address = Some(peer.ip().to_canonical());
            Incident { address, reason: "node_connections", ..Incident::default() }.refused();
        }
        if let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() {
            self.tasks.spawn(async move {
                let _permit = permit;
                // A peer that does not listen is none of our business any more.
                let _ = timeout(REFUSAL_TIME, say_busy(socket)).await;
            });
        }
    }

    /// One connection until its last plain answer, or until it is upgraded.
    async fn serve(self: Arc<Self>, socket: TcpStream, peer: SocketAddr, hold: Hold) {
        let (options, cut, router) = (&self.options, hold.cut.clone(), self.router.clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(hold.clone());
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_timeout)
            .max_buf_size(options.max_head.max(8 * 1024))
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        tokio::pin!(connection);
        let age = sleep(options.http_lifetime);
        let finished = async {
            tokio::select! {
                // A long poll under way is answered first.
                () = age => options.last_answer,
                () = self.shutdown.cancelled() => options.grace,
            }
        };
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = cut.cancelled() => return,
            patience = finished => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    result = connection.as_mut() => result,
                    () = cut.cancelled() => return,
                    () = sleep(patience) => return,
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, peer.address = %peer, "connection ended early");
        }
    }

    async fn finish(&self) {
        self.tasks.close();
        if timeout(self.options.grace, self.tasks.wait()).await.is_err() {
            tracing::warn!(connections = self.tasks.len(), "connections cut after the grace");
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

/// Whether the failure concerns one peer that is gone already.
fn is_the_peers(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

async fn say_busy(mut socket: TcpStream) -> std::io::Result<()> {
    const BODY: &str = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
        \"detail\":\"this node has no room for another connection\",\"code\":\"overloaded\",\"retryAfterMs\":1000}";
    let head =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/problem+json\r\n";
    let answer = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{BODY}", BODY.len());
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await?;
    // Closing with unread bytes would reset the connection, and the answer with it.
    let mut rest = [0; 1024];
    while socket.read(&mut rest).await? > 0 {}
    Ok(())
}
