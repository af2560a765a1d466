//! A WebSocket from the beginning.

use gateway::engineio::node_of;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Socket, ask};
use crate::server::{Echo, LARGEST, NODE, engine, options};

#[tokio::test]
async fn a_session_opens_with_nothing_left_to_upgrade_to() {
    let (mut socket, response) = Socket::open(engine(options(), Echo).await, "").await.unwrap();
    let sid = response.headers()["x-eio-sid"].to_str().unwrap().to_owned();
    assert_eq!(node_of(&sid), Some(NODE));
    let hello: serde_json::Value =
        serde_json::from_str(socket.text().await.strip_prefix('0').unwrap()).unwrap();
    let expected = json!({
        "sid": sid, "upgrades": [], "pingInterval": 25000, "pingTimeout": 35000, "maxPayload": LARGEST,
    });
    assert_eq!(hello, expected);
}

#[tokio::test]
async fn text_and_binary_messages_come_and_go() {
    let (mut socket, _) = Socket::open(engine(options(), Echo).await, "").await.unwrap();
    socket.text().await;
    socket.send("4hello").await;
    assert_eq!(socket.text().await, "4hello");
    socket.send("3").await;
    socket.send(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(socket.next().await, Message::binary(vec![1, 2, 3]));
}

#[tokio::test]
async fn what_is_no_packet_closes_and_a_goodbye_is_returned() {
    let at = engine(options(), Echo).await;
    for (said, code) in [("abc", 1002), ("2", 1002), ("2probe", 1002), ("0{}", 1002), ("", 1002), ("1", 1000)]
    {
        let (mut socket, _) = Socket::open(at, "").await.unwrap();
        socket.text().await;
        socket.send(said).await;
        assert_eq!(socket.closed().await.0, code, "{said}");
    }
}

#[tokio::test]
async fn a_message_above_the_limit_closes_with_1009() {
    let (mut socket, _) = Socket::open(engine(options(), Echo).await, "").await.unwrap();
    socket.text().await;
    let largest = format!("4{}", "x".repeat(LARGEST - 1));
    socket.send(largest.as_str()).await;
    assert_eq!(socket.text().await, largest);
    socket.send(format!("{largest}x")).await;
    assert_eq!(socket.closed().await, (1009, "too_large".to_owned()));
}

#[tokio::test]
async fn its_id_opens_no_door_for_polls() {
    let at = engine(options(), Echo).await;
    let (_socket, response) = Socket::open(at, "").await.unwrap();
    let sid = response.headers()["x-eio-sid"].to_str().unwrap().to_owned();
    let answer = ask(at, "GET", &format!("EIO=4&transport=polling&sid={sid}"), b"").await.answer().await;
    assert_eq!(answer.status, 400);
}
