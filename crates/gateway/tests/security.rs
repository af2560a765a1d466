//! What operators have ruled, at every door; and the security log: what is told there, and what never is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;
mod harness;

use common::edge::{Edge as Doors, Plan, Socket, closed, text};
use common::log::Log;
use common::{hs256, seconds, secret_options, within};
use domain::words::{Timestamp, UserId};
use futures::SinkExt;
use gateway::AuthOptions;
use harness::Edge;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

fn claims(user: &str, token: &str) -> Value {
    json!({"sub": user, "jti": token, "iat": seconds(-1), "exp": seconds(600)})
}

/// A Socket.IO client that has said CONNECT with this token.
async fn greet(edge: &Edge, token: &str) -> Socket {
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", edge.address);
    let mut socket = within(connect_async(url)).await.unwrap().0;
    assert!(text(&mut socket).await.starts_with("0{"));
    socket.send(Message::text(format!("40{}", json!({"token": token})))).await.unwrap();
    socket
}

async fn hub(edge: &Edge, token: &str) -> Socket {
    within(connect_async(format!("ws://{}/ws?token={token}", edge.address))).await.unwrap().0
}

const REFUSED: &str = r#"44{"data":{"code":"unauthorized"},"message":"Authentication error"}"#;

#[tokio::test]
async fn a_revoked_token_is_good_for_nothing_at_any_door_and_another_one_of_the_user_is() {
    let edge = Edge::usual().await;
    let (revoked, other) = (hs256(&claims("anna", "t-1")), hs256(&claims("anna", "t-2")));
    assert!(text(&mut greet(&edge, &revoked).await).await.starts_with("40{"));
    edge.node.revoke("t-1", Timestamp((seconds(600)) * 1000)).await.unwrap();
    assert_eq!(text(&mut greet(&edge, &revoked).await).await, REFUSED);
    assert_eq!(closed(&mut hub(&edge, &revoked).await).await.0, 4503);
    assert!(text(&mut greet(&edge, &other).await).await.starts_with("40{"));
    assert!(text(&mut hub(&edge, &other).await).await.contains("\"welcome\""));
}

#[tokio::test]
async fn a_disabled_user_is_put_out_and_kept_out_until_they_are_let_in_again() {
    let edge = Edge::usual().await;
    let (token, anna) = (hs256(&claims("anna", "t-1")), UserId::text("anna").unwrap());
    let (mut on_hub, mut on_socketio) = (hub(&edge, &token).await, greet(&edge, &token).await);
    assert!(text(&mut on_hub).await.contains("\"welcome\""));
    assert!(text(&mut on_socketio).await.starts_with("40{"));
    edge.node.disable(&anna).await.unwrap();
    assert_eq!(closed(&mut on_hub).await.0, 4503);
    assert_eq!(closed(&mut on_socketio).await.0, 4503);
    assert_eq!(text(&mut greet(&edge, &token).await).await, REFUSED);
    assert_eq!(closed(&mut hub(&edge, &token).await).await.0, 4503);
    edge.node.enable(&anna).await.unwrap();
    assert!(text(&mut greet(&edge, &token).await).await.starts_with("40{"));
    assert!(text(&mut hub(&edge, &token).await).await.contains("\"welcome\""));
}

#[tokio::test]
async fn refusals_are_told_to_the_security_log_with_address_door_and_reason() {
    let (log, _guard) = Log::listen();
    let auth = AuthOptions { handshakes_per_address: 1, ..secret_options() };
    let edge = Doors::start(Plan { auth, ..Plan::default() }).await;
    let (good, expired) = (hs256(&claims("anna", "t-1")), hs256(&json!({"sub": "a", "exp": seconds(-60)})));
    closed(&mut edge.enter(&expired).await).await;
    edge.connect("/ws", &[]).await.unwrap_err();
    closed(&mut edge.connect("/ws/events/7?token=nonsense", &[]).await.unwrap().0).await;
    let cookie = format!("token={good}");
    let foreign = [("cookie", cookie.as_str()), ("origin", "https://evil.example")];
    edge.connect("/", &foreign).await.unwrap_err();
    edge.get("/socket.io/?EIO=4&transport=polling", &foreign).await;
    edge.get("/api/me", &[("authorization", "Bearer a.b.c")]).await;
    for (reason, doors) in [
        ("expired", &["rooms"][..]),
        ("missing", &["hub"]),
        ("malformed", &["events", "api"]),
        ("foreign_origin", &["rooms", "socketio"]),
    ] {
        let told = log.security();
        let told: Vec<_> = told.iter().filter(|line| line.field("reason") == Some(reason)).collect();
        let at: Vec<_> = told.iter().map(|line| line.field("door").unwrap()).collect();
        assert_eq!(at, doors, "{reason}: {told:?}");
        for line in told {
            assert_eq!(line.field("peer.address"), Some("127.0.0.1"), "{line:?}");
            assert_eq!(line.field("message"), Some("refused"));
        }
    }
    let mut socket = edge.enter(&good).await;
    socket.send(Message::text("join lounge")).await.unwrap();
    socket.send(Message::text("say lounge between-us")).await.unwrap();
    while !text(&mut socket).await.contains("between-us") {}
    log.never_says("between-us");
    while edge.connect(&format!("/?token={good}"), &[]).await.is_ok() {}
    let told = log.incident("handshakes_per_address");
    assert_eq!((told.field("peer.address"), told.field("door")), (Some("127.0.0.1"), Some("rooms")));
    never_tells(&log, &[&good, &expired]);
}

#[tokio::test]
async fn whoever_is_known_is_named_and_no_token_and_no_password_is() {
    let (log, _guard) = Log::listen();
    let edge = Edge::usual().await;
    let (token, anna) = (hs256(&claims("anna", "t-1")), UserId::text("anna").unwrap());
    text(&mut greet(&edge, &token).await).await;
    let mut socket = hub(&edge, &token).await;
    text(&mut socket).await;
    edge.node.disable(&anna).await.unwrap();
    closed(&mut socket).await;
    text(&mut greet(&edge, &token).await).await;
    closed(&mut hub(&edge, &token).await).await;
    let told: Vec<_> = log.security().into_iter().filter(|line| line.field("door").is_some()).collect();
    let refused: Vec<_> = told.iter().filter(|line| line.field("reason") == Some("user_disabled")).collect();
    assert!(refused.len() >= 2, "{told:?}");
    for line in refused {
        assert_eq!(line.field("user.id"), Some("anna"), "{line:?}");
        assert_eq!(line.field("peer.address"), Some("127.0.0.1"), "{line:?}");
    }
    let login = json!({"username": "berta", "password": "a password of berta"});
    assert_eq!(edge.client().post("/api/auth/login", &login).await.status, 401);
    let told = log.incident("unknown_name");
    assert_eq!((told.field("peer.address"), told.field("door")), (Some("127.0.0.1"), Some("login")));
    never_tells(&log, &[&token]);
    log.never_says("a password of berta");
}

/// No token and no part of one that is worth anything stands in any event, not of the security log alone.
fn never_tells(log: &Log, tokens: &[&str]) {
    assert!(!log.security().is_empty());
    for token in tokens {
        log.never_says(token.rsplit_once('.').unwrap().1);
    }
    log.never_says("token=");
    log.never_says("Bearer");
}

#[tokio::test]
async fn a_flood_of_requests_that_are_refused_does_not_flood_the_security_log() {
    let (log, _guard) = Log::listen();
    let edge = Doors::start(Plan::default()).await;
    let bearer = format!("Bearer {}", hs256(&claims("anna", "t-1")));
    for _ in 0..150 {
        edge.get("/api/me", &[]).await;
        edge.get("/api/server/stats", &[("authorization", bearer.as_str())]).await;
    }
    let told = log.security().len();
    assert!((120..200).contains(&told), "{told}");
}
