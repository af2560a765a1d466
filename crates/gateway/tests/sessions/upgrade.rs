//! From long polling to a WebSocket.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway::engineio::EngineOptions;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Polling, Socket};
use crate::server::{Counter, Echo, NODE, Talker, engine, options};

async fn probed(session: &Polling) -> Socket {
    let mut socket = session.websocket().await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    socket
}

#[tokio::test]
async fn a_probe_ends_polls_and_the_websocket_takes_over() {
    let session = Polling::open(engine(options(), Echo).await).await;
    let waiting = session.begin_poll().await;
    let mut socket = probed(&session).await;
    assert_eq!(waiting.answer().await.ok(), "6");
    assert_eq!(session.poll().await.ok(), "6", "also one that comes during the probe");
    socket.send("5").await;
    socket.send("4hello").await;
    assert_eq!(socket.text().await, "4hello");
    assert_eq!(session.poll().await.status, 400);
    assert_eq!(session.post("4x").await.status, 400);
    socket.send("4still here").await;
    assert_eq!(socket.text().await, "4still here");
}

#[tokio::test]
async fn nothing_is_lost_or_reordered_while_the_carrier_changes() {
    let session = Polling::open(engine(options(), Counter::default()).await).await;
    session.post("4500").await.ok();
    let mut heard: Vec<usize> = Vec::new();
    let number = |packet: &str| packet[1..].parse::<usize>().unwrap();
    heard.extend(session.poll().await.ok().split('\u{1e}').map(number));
    let mut socket = probed(&session).await;
    // What waits is still shown to a poll: a probe that hangs must not stop the flow.
    heard.extend(session.poll().await.ok().split('\u{1e}').map(number));
    socket.send("5").await;
    while heard.len() < 500 {
        heard.push(number(&socket.text().await));
    }
    assert_eq!(heard, (1..=500).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_posted_and_not_heard_yet_is_heard_after_the_change() {
    let talker = Talker::default();
    let listens = talker.0.clone();
    let session = Polling::open(engine(options(), talker).await).await;
    session.post("4first\u{1e}4second\u{1e}4third").await.ok();
    let mut socket = probed(&session).await;
    socket.send("5").await;
    socket.send("4fourth").await;
    for _ in 0..500 {
        assert_eq!(socket.text().await, "4tick");
    }
    listens.store(true, Ordering::SeqCst);
    let mut heard = Vec::new();
    while heard.len() < 3 {
        heard.extend(Some(socket.text().await).filter(|text| text != "4tick"));
    }
    assert_eq!(heard, ["4second", "4third", "4fourth"]);
}

#[tokio::test]
async fn a_second_websocket_is_closed_and_the_first_goes_on() {
    let session = Polling::open(engine(options(), Echo).await).await;
    let mut socket = probed(&session).await;
    assert_eq!(session.websocket().await.closed().await.0, 1000, "during the probe");
    socket.send("5").await;
    socket.send("4a").await;
    assert_eq!(socket.text().await, "4a");
    assert_eq!(session.websocket().await.closed().await.0, 1000, "after it");
    socket.send("4b").await;
    assert_eq!(socket.text().await, "4b");
}

#[tokio::test]
async fn a_websocket_that_does_not_come_through_leaves_long_polling_as_it_was() {
    let session = Polling::open(engine(options(), Echo).await).await;
    for wrong in ["4hello", "5", "abc"] {
        let mut socket = session.websocket().await;
        socket.send(wrong).await;
        assert_eq!(socket.closed().await.0, 1000, "{wrong}");
    }
    drop(probed(&session).await);
    session.post("4hello").await.ok();
    // The one that was hung up may have left a poll to be ended.
    let heard = match session.poll().await.ok() {
        noop if noop == "6" => session.poll().await.ok(),
        heard => heard,
    };
    assert_eq!(heard, "4hello");
}

#[tokio::test]
async fn a_websocket_that_does_not_make_up_its_mind_is_closed() {
    let options = EngineOptions { upgrade_timeout: Duration::from_millis(50), ..options() };
    let session = Polling::open(engine(options, Echo).await).await;
    assert_eq!(session.websocket().await.closed().await.0, 1000);
    session.post("4hello").await.ok();
    assert_eq!(session.poll().await.ok(), "4hello");
}

#[tokio::test]
async fn an_upgraded_session_that_ends_takes_its_websocket_along() {
    let session = Polling::open(engine(options(), Echo).await).await;
    let mut socket = probed(&session).await;
    socket.send("5").await;
    socket.send("1").await;
    assert_eq!(socket.closed().await.0, 1000);
    assert_eq!(session.poll().await.status, 400);
}

#[tokio::test]
async fn a_websocket_with_an_id_that_nobody_has_is_400() {
    let at = engine(options(), Echo).await;
    let error = Socket::open(at, &format!("&sid={NODE}.AAAAAAAAAAAAAAAAAAAAAA")).await.unwrap_err();
    assert!(matches!(error, Error::Http(response) if response.status() == 400));
}
