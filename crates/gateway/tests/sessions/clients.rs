//! Socket.IO clients, through the product's own seam.

use std::net::SocketAddr;
use std::time::Duration;

use gateway::socketio::SocketIoOptions;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Polling, Socket};
use crate::server::{options, socketio};

async fn start() -> SocketAddr {
    socketio(SocketIoOptions { engine: options(), ..SocketIoOptions::default() }).await
}

async fn open(at: SocketAddr) -> Socket {
    let (mut socket, _) = Socket::open(at, "").await.unwrap();
    socket.text().await;
    socket
}

async fn enter(at: SocketAddr) -> Socket {
    let mut socket = open(at).await;
    socket.send("40").await;
    assert_eq!(socket.text().await, "40{\"sid\":\"public\"}");
    socket
}

fn heard(packet: &str) -> String {
    format!("42{}", serde_json::json!(["heard", packet]))
}

#[tokio::test]
async fn events_come_through_as_they_were_written() {
    let mut socket = enter(start().await).await;
    for packet in ["2[\"message:send\",{\"chatId\":7}]", "213[\"join_room\",7]", "20[\"a\"]"] {
        socket.send(format!("4{packet}")).await;
        assert_eq!(socket.text().await, heard(packet));
    }
}

#[tokio::test]
async fn an_event_with_attachments_comes_through_without_them() {
    let mut socket = enter(start().await).await;
    let packet = "52-13[\"photo\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]";
    socket.send(format!("4{packet}")).await;
    socket.send(Message::binary(vec![1])).await;
    socket.send("3").await;
    socket.send(Message::binary(vec![2])).await;
    assert_eq!(socket.text().await, heard(packet));
    socket.send("450-[\"empty\"]").await;
    assert_eq!(socket.text().await, heard("50-[\"empty\"]"));
}

#[tokio::test]
async fn what_needs_no_answer_gets_none() {
    let mut socket = enter(start().await).await;
    for quiet in ["40", "40{\"again\":true}", "431[1]", "43[]", "461-7[{\"_placeholder\":true,\"num\":0}]"] {
        socket.send(quiet).await;
    }
    socket.send(Message::binary(vec![1])).await;
    socket.send("42[\"then\"]").await;
    assert_eq!(socket.text().await, heard("2[\"then\"]"));
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_client_may_go_on() {
    let mut socket = open(start().await).await;
    for _ in 0..3 {
        socket.send("40/random,{\"token\":1}").await;
        assert_eq!(socket.text().await, "44/random,{\"message\":\"Invalid namespace\"}");
    }
    socket.send("40").await;
    assert_eq!(socket.text().await, "40{\"sid\":\"public\"}");
}

#[tokio::test]
async fn what_breaks_the_rules_closes() {
    let at = start().await;
    for said in [
        "4abc",
        "4",
        "42{}",
        "42",
        "42[]",
        "42[null]",
        "42[\"a\"",
        "42abc[\"a\"]",
        "42-1[\"a\"]",
        "42[\"connect\"]",
        "42[\"disconnecting\",1]",
        "42/other,[\"a\"]",
        "41{}",
        "43{}",
        "44{\"message\":\"no\"}",
        "45[\"a\"]",
        "4511-[\"a\"]",
        "47",
        "40null",
        "40{",
        "2",
        "29007199254740993[\"a\"]",
        "499007199254740993[\"a\"]",
    ] {
        let mut socket = enter(at).await;
        socket.send(said).await;
        assert_eq!(socket.closed().await.0, 1002, "{said}");
    }
    // Before CONNECT nothing else is right; after a head with attachments, nothing but these.
    for said in ["42[\"a\"]", "41", "431[]", "4abc", "40[]"] {
        let mut socket = open(at).await;
        socket.send(said).await;
        assert_eq!(socket.closed().await.0, 1002, "{said}");
    }
    let mut socket = enter(at).await;
    socket.send("451-[\"a\"]").await;
    socket.send("42[\"b\"]").await;
    assert_eq!(socket.closed().await.0, 1002);
    let mut socket = enter(at).await;
    socket.send(Message::binary(vec![1])).await;
    assert_eq!(socket.closed().await.0, 1002);
}

#[tokio::test]
async fn a_client_that_leaves_is_closed_without_a_word() {
    let mut socket = enter(start().await).await;
    socket.send("41").await;
    assert_eq!(socket.closed().await.0, 1000);
}

#[tokio::test]
async fn a_client_that_never_says_connect_is_closed() {
    let connect_timeout = Duration::from_millis(50);
    let at = socketio(SocketIoOptions { engine: options(), connect_timeout }).await;
    assert_eq!(open(at).await.closed().await.0, 1002);
    assert_eq!(Polling::open(at).await.poll().await.ok(), "1");
}

#[tokio::test]
async fn a_refused_client_is_told_in_the_answer_to_its_connect() {
    let at = start().await;
    for (who, code, refusal) in [
        ("nobody", 1008, "44{\"message\":\"Authentication error\",\"data\":{\"code\":\"unauthorized\"}}"),
        (
            "many",
            4509,
            "44{\"message\":\"too_many_connections\",\"data\":{\"code\":\"too_many_connections\"}}",
        ),
    ] {
        let connect = format!("40{{\"as\":\"{who}\"}}");
        let mut socket = open(at).await;
        socket.send(connect.as_str()).await;
        let said: serde_json::Value = serde_json::from_str(&socket.text().await[2..]).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&refusal[2..]).unwrap();
        assert_eq!(said, expected);
        assert_eq!(socket.closed().await.0, code);
        let session = Polling::open(at).await;
        session.post(&connect).await.ok();
        assert!(session.poll().await.ok().starts_with("44"), "and nothing else: the client closes by itself");
        session.post("1").await.ok();
        assert_eq!(session.poll().await.ok(), "6");
    }
    // One that shall come back only loses its transport.
    let mut socket = open(at).await;
    socket.send("40{\"as\":\"late\"}").await;
    assert_eq!(socket.closed().await, (4001, "draining".to_owned()));
}

#[tokio::test]
async fn an_end_is_said_first_and_disconnect_only_to_those_who_shall_stay_away() {
    let at = start().await;
    for (why, code, word, is_terminal) in [
        ("kicked", 4503, "kicked", true),
        ("draining", 4001, "draining", false),
        ("slow", 4008, "slow_consumer", false),
    ] {
        let mut socket = enter(at).await;
        socket.send(format!("42[\"close\",\"{why}\"]")).await;
        let error: serde_json::Value = serde_json::from_str(&socket.text().await[2..]).unwrap();
        assert_eq!((&error[0], &error[1]["code"]), (&"error".into(), &word.into()));
        if is_terminal {
            assert_eq!(socket.text().await, "41");
        }
        assert_eq!(socket.closed().await, (code, word.to_owned()));
    }
}

#[tokio::test]
async fn an_end_reaches_a_polling_client_before_its_goodbye() {
    let session = Polling::open(start().await).await;
    session.post("40").await.ok();
    assert_eq!(session.poll().await.ok(), "40{\"sid\":\"public\"}");
    session.post("42[\"close\",\"kicked\"]").await.ok();
    let payload = session.poll().await.ok();
    let packets: Vec<_> = payload.split('\u{1e}').collect();
    assert!(packets[0].starts_with("42[\"error\","), "{payload}");
    assert_eq!(packets[1..], ["41"], "clients act on a goodbye before they show what came along with it");
    assert_eq!(session.poll().await.ok(), "1");
    assert_eq!(session.poll().await.status, 400);
}
