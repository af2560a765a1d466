//! A whole room over real HTTP, from a real database file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod harness;

use std::time::Duration;

use harness::{Edge, chat, seconds, token};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back, its chunks put together.
struct Export {
    head: String,
    lines: Vec<Value>,
}

/// The whole answer; the last chunk says that nothing is missing.
async fn export(edge: &Edge, user: &str, room: &str) -> Export {
    let token = token(&json!({"sub": user, "exp": seconds(600)}));
    let head =
        format!("GET /api/rooms/{room}/export HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", edge.address);
    let exchange = async {
        let mut socket = TcpStream::connect(edge.address).await.unwrap();
        socket.write_all(format!("{head}Authorization: Bearer {token}\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), exchange).await.expect("an answer in time");
    let (head, mut body) = answer.split_once("\r\n\r\n").unwrap();
    let mut text = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n").unwrap();
        let (chunk, rest) = rest.split_at(usize::from_str_radix(length, 16).unwrap());
        if chunk.is_empty() {
            break;
        }
        text.push_str(chunk);
        body = rest.strip_prefix("\r\n").unwrap();
    }
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Export { head: head.to_ascii_lowercase(), lines }
}

#[tokio::test]
async fn a_room_is_exported_from_its_beginning_one_message_a_line_as_in_its_history() {
    let edge = Edge::usual().await;
    let anna = edge.user("anna");
    for number in 1..=150 {
        edge.say("room:lounge", "bob", &format!("number {number}\nof many")).await;
    }
    let Export { head, lines } = export(&edge, "anna", "room%3Alounge").await;
    assert!(
        head.starts_with("http/1.1 200") && head.contains("content-type: application/x-ndjson"),
        "{head}"
    );
    assert!(lines.iter().map(|message| message["seq"].as_u64().unwrap()).eq(1..=150));
    let page = anna.get("/api/rooms/room:lounge/messages?limit=100").await.json();
    assert_eq!(page["messages"].as_array().unwrap().as_slice(), &lines[50..]);
    let head = anna.send("HEAD", "/api/rooms/room:lounge/export", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let empty = export(&edge, "anna", "room:empty").await;
    assert_eq!((empty.head.starts_with("http/1.1 200"), empty.lines.len()), (true, 0));
}

#[tokio::test]
async fn whoever_may_not_read_a_room_may_not_export_it() {
    let edge = Edge::usual().await;
    let (anna, bob) = (edge.known("anna").await, edge.known("bob").await);
    let own = chat(&anna, &[]).await;
    edge.say(&format!("chat:{own}"), "anna", "secret").await;
    let exported = export(&edge, "anna", &format!("chat:{own}")).await;
    assert_eq!(exported.lines[0]["message"], "secret");
    for (room, status, code) in [
        ("lounge", 422, "invalid_room"),
        ("event:1", 404, "not_found"),
        ("user:bob", 404, "not_found"),
        ("lobby:other", 404, "not_found"),
        ("chat:none", 403, "not_a_participant"),
        (format!("chat:{own}").as_str(), 403, "not_a_participant"),
    ] {
        bob.get(&format!("/api/rooms/{room}/export")).await.is(status, code);
    }
    assert!(export(&edge, "bob", "lobby:main").await.head.starts_with("http/1.1 200"));
    let narrow = edge.with(&json!({"sub": "bob", "rooms": ["room:b"], "exp": seconds(600)}));
    narrow.get("/api/rooms/room:a/export").await.is(403, "forbidden");
    edge.client().get("/api/rooms/room:a/export").await.is(401, "unauthorized");
}
