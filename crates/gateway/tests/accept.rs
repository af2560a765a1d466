//! The accept loop: slow clients, too many clients, and an end that waits for everybody.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use common::log::Log;
use common::within;
use gateway::{AcceptOptions, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn start(router: Router, options: AcceptOptions) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(run(listener, router, options, stop.clone()));
    Server { address, stop, task }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

async fn read_all(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    within(socket.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn ask(socket: &mut TcpStream) {
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
}

#[tokio::test]
async fn a_request_is_answered() {
    let server = start(hello(), AcceptOptions::default()).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    ask(&mut socket).await;
    assert!(read_all(&mut socket).await.ends_with("hello"));
    server.stop.cancel();
    within(server.task).await.unwrap();
}

#[tokio::test]
async fn clients_that_dawdle_over_their_request_head_are_cut() {
    let options = AcceptOptions { header_timeout: Duration::from_millis(100), ..AcceptOptions::default() };
    let server = start(hello(), options).await;
    for begun in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow"] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(begun.as_bytes()).await.unwrap();
        assert!(!read_all(&mut socket).await.contains("hello"), "{begun:?}");
    }
}

#[tokio::test]
async fn a_request_head_above_the_limit_is_refused() {
    let server = start(hello(), AcceptOptions { max_head: 8 * 1024, ..AcceptOptions::default() }).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(64 * 1024));
    // The server may hang up before it has read everything.
    let _ = socket.write_all(head.as_bytes()).await;
    let mut answer = [0; 12];
    within(socket.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[tokio::test]
async fn above_the_cap_a_client_is_told_to_come_back_and_below_it_is_let_in_again() {
    let server = start(hello(), AcceptOptions { max_connections: 1, ..AcceptOptions::default() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut head = [0; 15];
    within(first.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK", "it is in, and stays in");

    let mut second = TcpStream::connect(server.address).await.unwrap();
    ask(&mut second).await;
    let answer = read_all(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Retry-After: 1") && head.contains("application/problem+json"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["code"], &body["status"]), (&"overloaded".into(), &503.into()));

    drop(first);
    within(async {
        loop {
            let mut third = TcpStream::connect(server.address).await.unwrap();
            ask(&mut third).await;
            if read_all(&mut third).await.ends_with("hello") {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_above_the_cap_is_told_to_the_security_log_once_a_second_at_most() {
    let (log, _guard) = Log::listen();
    let server = start(hello(), AcceptOptions { max_connections: 0, ..AcceptOptions::default() }).await;
    let began = Instant::now();
    for _ in 0..20 {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        ask(&mut socket).await;
        assert!(read_all(&mut socket).await.starts_with("HTTP/1.1 503 "));
    }
    let told = log.security();
    assert!((1..=1 + began.elapsed().as_secs() as usize).contains(&told.len()), "{told:?}");
    assert_eq!(told[0].field("reason"), Some("node_connections"));
    assert_eq!(told[0].field("peer.address"), Some("127.0.0.1"));
}

#[tokio::test]
async fn shutdown_lets_a_request_finish_and_ends_idle_connections() {
    let (entered, release) = (std::sync::Arc::new(Notify::new()), std::sync::Arc::new(Notify::new()));
    let router = Router::new().route("/", {
        let (entered, release) = (entered.clone(), release.clone());
        get(move || async move {
            entered.notify_one();
            release.notified().await;
            "late"
        })
    });
    let server = start(router, AcceptOptions::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    ask(&mut busy).await;
    within(entered.notified()).await;
    server.stop.cancel();
    assert_eq!(read_all(&mut idle).await, "");
    release.notify_one();
    assert!(read_all(&mut busy).await.ends_with("late"));
    within(server.task).await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_connection_that_never_ends_is_cut_after_the_grace() {
    let entered = std::sync::Arc::new(Notify::new());
    let router = Router::new().route("/", {
        let entered = entered.clone();
        get(move || async move {
            entered.notify_one();
            std::future::pending::<()>().await
        })
    });
    let options = AcceptOptions { grace: Duration::from_millis(50), ..AcceptOptions::default() };
    let server = start(router, options).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    ask(&mut socket).await;
    within(entered.notified()).await;
    server.stop.cancel();
    within(server.task).await.unwrap();
    assert_eq!(read_all(&mut socket).await, "");
}

#[tokio::test]
async fn a_client_that_asks_and_never_reads_is_cut_when_its_time_is_over() {
    let router = Router::new().route("/", get(|| async { "x".repeat(64 * 1024 * 1024) }));
    let times = Duration::from_millis(50);
    let options = AcceptOptions {
        max_connections: 1,
        http_lifetime: times,
        last_answer: times,
        grace: times,
        ..AcceptOptions::default()
    };
    let server = start(router, options).await;
    let mut deaf = TcpStream::connect(server.address).await.unwrap();
    ask(&mut deaf).await;
    within(async {
        loop {
            let mut other = TcpStream::connect(server.address).await.unwrap();
            ask(&mut other).await;
            let mut head = [0; 12];
            if other.read_exact(&mut head).await.is_ok() && &head == b"HTTP/1.1 200" {
                break;
            }
        }
    })
    .await;
}
