//! The door at `/`: who gets in, how the others are told, and how connections end.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::edge::{Edge, Plan, closed, request, text};
use common::{hs256, seconds, secret_options, within};
use domain::words::{Limits, Refusal};
use futures::{SinkExt, StreamExt};
use gateway::{AcceptOptions, AuthOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

fn anna() -> String {
    hs256(&json!({"sub": "anna", "exp": seconds(60)}))
}

/// The headers of a browser's handshake, for requests written by hand.
const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

fn without(name: &str) -> Vec<(&'static str, &'static str)> {
    UPGRADE.into_iter().filter(|(key, _)| *key != name).collect()
}

/// Status and code of a refusal before the upgrade.
fn refusal(error: Error) -> (u16, String) {
    let Error::Http(response) = error else { panic!("an HTTP answer, not {error}") };
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
    (response.status().as_u16(), body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_is_taken_from_each_of_its_places() {
    let edge = Edge::start(Plan::default()).await;
    let token = anna();
    for (path, header, value) in [
        (format!("/?token={token}"), "x-nothing", String::new()),
        ("/".to_owned(), "authorization", format!("Bearer {token}")),
        ("/".to_owned(), "cookie", format!("a=b; token={token}")),
        ("/".to_owned(), "sec-websocket-protocol", format!("hubbub.bearer, {token}")),
    ] {
        let (mut socket, response) = edge.connect(&path, &[(header, &value)]).await.unwrap();
        let answered = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
        assert_eq!(answered, (header == "sec-websocket-protocol").then_some("hubbub.bearer"));
        socket.send(Message::text("join lounge")).await.unwrap();
        assert_eq!(text(&mut socket).await, "joined lounge", "{header}");
    }
}

#[tokio::test]
async fn without_a_token_or_with_a_bad_one_the_upgrade_is_completed_and_closed_with_1008() {
    let edge = Edge::start(Plan::default()).await;
    let mut missing = edge.connect("/", &[]).await.unwrap().0;
    assert_eq!(closed(&mut missing).await, (1008, "no token".to_owned()));
    let expired = hs256(&json!({"sub": "anna", "exp": seconds(-60)}));
    for bad in ["nonsense", &expired] {
        let mut socket = edge.enter(bad).await;
        assert_eq!(closed(&mut socket).await, (1008, "bad token".to_owned()));
    }
    // The first place that holds anything decides: a good cookie does not heal a bad query.
    let cookie = format!("token={}", anna());
    let mut both = edge.connect("/?token=bad", &[("cookie", &cookie)]).await.unwrap().0;
    assert_eq!(closed(&mut both).await, (1008, "bad token".to_owned()));
    assert_eq!(edge.node.connections(), 0);
}

#[tokio::test]
async fn a_door_whose_clients_read_statuses_answers_401_before_the_upgrade() {
    let edge = Edge::start(Plan { refusal: Refusal::Unauthorized, ..Plan::default() }).await;
    for path in ["/", "/?token=bad"] {
        let error = edge.connect(path, &[]).await.unwrap_err();
        assert_eq!(refusal(error), (401, "unauthorized".to_owned()));
    }
}

#[tokio::test]
async fn a_cookie_from_a_foreign_origin_is_refused_before_the_upgrade() {
    let auth = AuthOptions { allowed_origins: vec!["https://app.example".to_owned()], ..secret_options() };
    let edge = Edge::start(Plan { auth, ..Plan::default() }).await;
    let cookie = format!("token={}", anna());
    let own = format!("http://{}", edge.address);
    for origin in ["null", "https://evil.example", "http://127.0.0.1:1", "http://app.example"] {
        let error = edge.connect("/", &[("cookie", &cookie), ("origin", origin)]).await.unwrap_err();
        assert_eq!(refusal(error), (403, "forbidden".to_owned()), "{origin}");
    }
    for origin in ["https://app.example", &own] {
        let (mut socket, _) = edge.connect("/", &[("cookie", &cookie), ("origin", origin)]).await.unwrap();
        socket.send(Message::text("join lounge")).await.unwrap();
        assert_eq!(text(&mut socket).await, "joined lounge", "{origin}");
    }
    // A page that knows the token needs no leave.
    let path = format!("/?token={}", anna());
    assert!(edge.connect(&path, &[("origin", "https://evil.example")]).await.is_ok());
}

#[tokio::test]
async fn handshakes_that_break_their_rules_are_answered_with_problem_documents() {
    let edge = Edge::start(Plan::default()).await;
    let mut old = without("Sec-WebSocket-Version");
    old.push(("Sec-WebSocket-Version", "8"));
    let answer = edge.get("/", &old).await;
    assert_eq!(answer.problem(), (426, "invalid_message".to_owned()));
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    let mut short = without("Sec-WebSocket-Key");
    short.push(("Sec-WebSocket-Key", "c2hvcnQ="));
    for headers in [without("Sec-WebSocket-Key"), without("Connection"), short] {
        assert_eq!(
            edge.get("/", &headers).await.problem(),
            (400, "invalid_message".to_owned()),
            "{headers:?}"
        );
    }
    let post = request(edge.address, "POST", "/", &UPGRADE).await;
    assert_eq!(post.problem(), (405, "invalid_message".to_owned()));
    assert_eq!(edge.get("/nowhere", &UPGRADE).await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn text_and_binary_frames_are_requests_alike() {
    let edge = Edge::start(Plan::default()).await;
    let mut socket = edge.enter(&anna()).await;
    socket.send(Message::binary(&b"join lounge"[..])).await.unwrap();
    assert_eq!(text(&mut socket).await, "joined lounge");
    socket.send(Message::text("say lounge gr\u{fc}\u{df}e")).await.unwrap();
    assert_eq!(text(&mut socket).await, "1-1 lounge anna: gr\u{fc}\u{df}e");
    // Not UTF-8 is a bad frame of the dialect when it is binary.
    socket.send(Message::binary(&b"\xff\xfe"[..])).await.unwrap();
    assert_eq!(text(&mut socket).await, "error invalid_message");
    // A message in fragments is one request.
    for (part, kind, last) in
        [("say lounge a", Data::Text, false), ("b", Data::Continue, false), ("c", Data::Continue, true)]
    {
        socket.send(Message::Frame(Frame::message(part, OpCode::Data(kind), last))).await.unwrap();
    }
    assert_eq!(text(&mut socket).await, "1-2 lounge anna: abc");
}

#[tokio::test]
async fn a_ping_is_answered_and_a_goodbye_returned() {
    let edge = Edge::start(Plan::default()).await;
    let mut socket = edge.enter(&anna()).await;
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    let answer = within(socket.next()).await.unwrap().unwrap();
    assert_eq!(answer, Message::Pong("are you there".into()));
    socket.close(None).await.unwrap();
    let answer = within(socket.next()).await;
    assert!(matches!(answer, Some(Ok(Message::Close(_)))), "{answer:?}");
    assert!(within(socket.next()).await.is_none(), "and the stream ends");
}

#[tokio::test]
async fn a_frame_above_the_limit_is_closed_with_1009_even_while_more_of_it_is_coming() {
    let limits = Limits { frame: 1024, ..Limits::default() };
    let edge = Edge::start(Plan { limits, ..Plan::default() }).await;
    let mut fits = edge.enter(&anna()).await;
    fits.send(Message::text("x".repeat(1024))).await.unwrap();
    assert_eq!(text(&mut fits).await, "error invalid_message");
    for size in [1025, 4 * 1024 * 1024] {
        let (mut write, mut read) = edge.enter(&anna()).await.split();
        let sending = tokio::spawn(async move {
            // The server may hang up before it has read everything.
            let _ = write.send(Message::text("x".repeat(size))).await;
            write
        });
        let frame = within(read.next()).await.unwrap().unwrap();
        let Message::Close(Some(frame)) = frame else { panic!("a close frame, not {frame:?}") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1009, "too_large"), "{size}");
        drop(within(sending).await.unwrap());
    }
}

#[tokio::test]
async fn a_message_in_fragments_above_the_limit_is_closed_with_1009() {
    let limits = Limits { frame: 1024, ..Limits::default() };
    let edge = Edge::start(Plan { limits, ..Plan::default() }).await;
    let mut socket = edge.enter(&anna()).await;
    for kind in [Data::Text, Data::Continue, Data::Continue] {
        socket
            .send(Message::Frame(Frame::message("x".repeat(500), OpCode::Data(kind), false)))
            .await
            .unwrap();
    }
    assert_eq!(closed(&mut socket).await, (1009, "too_large".to_owned()));
}

#[tokio::test]
async fn a_peer_that_breaks_the_layers_rules_is_told_which_kind() {
    let edge = Edge::start(Plan::default()).await;
    let mut utf8 = edge.enter(&anna()).await;
    utf8.send(Message::Frame(Frame::message(&b"\xff\xfe"[..], OpCode::Data(Data::Text), true)))
        .await
        .unwrap();
    assert_eq!(closed(&mut utf8).await.0, 1007);
    let mut stray = edge.enter(&anna()).await;
    stray.send(Message::Frame(Frame::message("x", OpCode::Data(Data::Continue), true))).await.unwrap();
    assert_eq!(closed(&mut stray).await.0, 1002);
}

#[tokio::test]
async fn a_peer_that_never_answers_our_goodbye_does_not_keep_us() {
    let edge = Edge::start(Plan::default()).await;
    // By hand: a client library would answer the close frame.
    let mut socket = TcpStream::connect(edge.address).await.unwrap();
    let head = UPGRADE.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<String>();
    let path = format!("/?token={}", anna());
    socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    within(socket.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    within(async {
        while edge.node.connections() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(within(edge.node.drain(Duration::from_secs(9))).await, 0);
    edge.stop.cancel();
    within(edge.task).await.unwrap();
}

#[tokio::test]
async fn while_draining_clients_are_sent_on_and_new_ones_turned_away() {
    let edge = Edge::start(Plan::default()).await;
    let mut socket = edge.enter(&anna()).await;
    socket.send(Message::text("join lounge")).await.unwrap();
    assert_eq!(text(&mut socket).await, "joined lounge");
    let node = edge.node.clone();
    let draining = tokio::spawn(async move { node.drain(Duration::from_secs(9)).await });
    assert_eq!(text(&mut socket).await, "reconnect");
    assert_eq!(closed(&mut socket).await, (4001, "draining".to_owned()));
    let error = edge.connect(&format!("/?token={}", anna()), &[]).await.unwrap_err();
    if let Error::Http(response) = &error {
        assert!(response.headers().contains_key("retry-after"));
    }
    assert_eq!(refusal(error), (503, "draining".to_owned()));
    let ready = edge.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["draining"]), (503, &json!(true)));
    while within(socket.next()).await.is_some() {}
    assert_eq!(within(draining).await.unwrap(), 0);
    assert_eq!(edge.world.store_was_asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn connections_and_refusals_are_counted() {
    let edge = Edge::start(Plan::default()).await;
    let mut socket = edge.enter(&anna()).await;
    socket.send(Message::text("join lounge")).await.unwrap();
    assert_eq!(text(&mut socket).await, "joined lounge");
    closed(&mut edge.enter("nonsense").await).await;
    let metrics = request(edge.admin, "GET", "/metrics", &[]).await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    for series in [
        "hubbub_connections{door=\"rooms\"}",
        "hubbub_accepts_total ",
        "hubbub_refusals_total{reason=\"malformed_token\"}",
        "hubbub_http_requests_total{route=\"/\",status=\"101\"}",
    ] {
        assert!(metrics.body.contains(series), "{series} in {}", metrics.body);
    }
    assert!(!metrics.body.contains(&anna()[..40]) && !metrics.body.contains("nonsense"));
}

#[tokio::test]
async fn an_open_websocket_keeps_its_place_until_it_is_closed() {
    let accept = AcceptOptions { max_connections: 1, ..AcceptOptions::default() };
    let edge = Edge::start(Plan { accept, ..Plan::default() }).await;
    let mut socket = edge.enter(&anna()).await;
    socket.send(Message::text("join lounge")).await.unwrap();
    assert_eq!(text(&mut socket).await, "joined lounge");
    assert_eq!(edge.get("/healthz", &[]).await.problem(), (503, "overloaded".to_owned()));
    socket.close(None).await.unwrap();
    while within(socket.next()).await.is_some() {}
    within(async { while edge.get("/healthz", &[]).await.status != 200 {} }).await;
}

#[tokio::test]
async fn a_websocket_that_outlives_the_grace_is_cut() {
    let accept = AcceptOptions { grace: Duration::from_millis(50), ..AcceptOptions::default() };
    let edge = Edge::start(Plan { accept, ..Plan::default() }).await;
    let mut socket = edge.enter(&anna()).await;
    socket.send(Message::text("join lounge")).await.unwrap();
    assert_eq!(text(&mut socket).await, "joined lounge");
    edge.stop.cancel();
    within(edge.task).await.unwrap();
    assert!(!matches!(within(socket.next()).await, Some(Ok(_))), "the socket is gone");
    assert_eq!(edge.node.connections(), 0);
}

#[tokio::test]
async fn the_hub_refuses_before_the_upgrade_and_tells_plain_requests_to_upgrade() {
    let edge = Edge::start(Plan::default()).await;
    for path in ["/ws", "/ws?token=bad"] {
        let error = edge.connect(path, &[]).await.unwrap_err();
        assert_eq!(refusal(error), (401, "unauthorized".to_owned()), "{path}");
    }
    let plain = edge.get("/ws", &[]).await;
    assert_eq!(plain.problem(), (426, "invalid_message".to_owned()));
    assert_eq!(plain.header("upgrade"), Some("websocket"));
    let mut socket = edge.connect(&format!("/ws?token={}", anna()), &[]).await.unwrap().0;
    socket.send(Message::text("join lounge")).await.unwrap();
    assert_eq!(text(&mut socket).await, "joined lounge");
}

#[tokio::test]
async fn the_path_of_a_feed_names_the_room_that_is_joined_at_connect() {
    let edge = Edge::start(Plan::default()).await;
    for (path, room) in
        [("7", "event:7"), ("%37", "event:7"), ("x", "nothing"), ("%ff", "nothing"), ("-1", "nothing")]
    {
        let path = format!("/ws/events/{path}?token={}", anna());
        let mut socket = edge.connect(&path, &[]).await.unwrap().0;
        assert_eq!(text(&mut socket).await, format!("welcome anna to {room}"), "{path}");
    }
    let mut missing = edge.connect("/ws/events/7", &[]).await.unwrap().0;
    assert_eq!(closed(&mut missing).await, (1008, "no token".to_owned()));
    let mut bad = edge.connect("/ws/events/7?token=bad", &[]).await.unwrap().0;
    assert_eq!(closed(&mut bad).await, (1008, "bad token".to_owned()));
    assert_eq!(edge.get("/ws/events/7", &[]).await.problem(), (426, "invalid_message".to_owned()));
    assert_eq!(edge.get("/ws/events/", &[]).await.problem(), (404, "not_found".to_owned()));
}

/// Opens connections from behind the proxy, for the client at this address, until one is refused.
async fn refused_at_last(edge: &Edge, client: &str) -> (usize, Box<Response<Option<Vec<u8>>>>) {
    for opened in 0..1000 {
        match edge.connect("/", &[("x-forwarded-for", client)]).await {
            Ok(_) => {}
            Err(Error::Http(response)) => return (opened, response),
            Err(error) => panic!("an answer, not {error}"),
        }
    }
    panic!("nothing was refused")
}

#[tokio::test]
async fn an_address_that_opens_connections_too_fast_is_refused_at_every_door_and_others_are_not() {
    let auth = AuthOptions {
        handshakes_per_address: 1,
        trusted_proxies: vec!["127.0.0.1".to_owned()],
        ..secret_options()
    };
    let edge = Edge::start(Plan { auth, ..Plan::default() }).await;
    let (opened, response) = refused_at_last(&edge, "192.0.2.1").await;
    assert!(opened >= 10, "ten at once are let in, not {opened}");
    assert_eq!(response.headers()["retry-after"], "1");
    let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
    assert_eq!((&body["code"], &body["status"]), (&json!("rate_limited"), &json!(429)));
    assert!((1..=1000).contains(&body["retryAfterMs"].as_u64().unwrap()), "{body}");

    let polling = "/socket.io/?EIO=4&transport=polling";
    let same = [("x-forwarded-for", "192.0.2.1")];
    within(async { while edge.get(polling, &same).await.status != 429 {} }).await;
    assert_eq!(edge.get(polling, &[("x-forwarded-for", "192.0.2.2")]).await.status, 200);
    assert_eq!(edge.get("/healthz", &same).await.status, 200, "requests are no handshakes");
}
