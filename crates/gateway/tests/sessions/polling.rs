//! Long polling.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway::engineio::{EngineOptions, node_of};
use serde_json::json;

use crate::client::{Polling, ask};
use crate::server::{Counter, Echo, LARGEST, NODE, engine, options};

#[tokio::test]
async fn a_session_opens_with_exactly_what_the_protocol_says_and_names_its_node() {
    let at = engine(options(), Echo).await;
    let answer = ask(at, "GET", "EIO=4&transport=polling", b"").await.answer().await;
    let sid = answer.header("x-eio-sid").unwrap().to_owned();
    let hello: serde_json::Value = serde_json::from_str(answer.ok().strip_prefix('0').unwrap()).unwrap();
    let expected = json!({
        "sid": sid, "upgrades": ["websocket"], "pingInterval": 25000, "pingTimeout": 35000, "maxPayload": LARGEST,
    });
    assert_eq!(hello, expected);
    assert_eq!(node_of(&sid), Some(NODE));
    assert!(sid.len() >= NODE.len() + 1 + 22, "128 random bits");
}

#[tokio::test]
async fn requests_that_no_session_can_answer_are_400() {
    let at = engine(options(), Echo).await;
    let unknown = format!("EIO=4&transport=polling&sid={NODE}.AAAAAAAAAAAAAAAAAAAAAA");
    for (method, query, code) in [
        ("GET", "transport=polling", 5),
        ("GET", "EIO=3&transport=polling", 5),
        ("GET", "EIO=4", 0),
        ("GET", "EIO=4&transport=carrier-pigeon", 0),
        ("POST", "EIO=4&transport=polling", 2),
        ("PUT", "EIO=4&transport=polling", 2),
        ("GET", "EIO=4&transport=websocket", 3),
        ("GET", unknown.as_str(), 1),
        ("POST", unknown.as_str(), 1),
    ] {
        let answer = ask(at, method, query, b"").await.answer().await;
        assert_eq!(answer.status, 400, "{method} {query}");
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["code"], code, "{method} {query}");
    }
}

#[tokio::test]
async fn what_is_posted_comes_in_order_text_and_binary_alike() {
    let session = Polling::open(engine(options(), Echo).await).await;
    assert_eq!(session.post("4one\u{1e}bAQIDBA==\u{1e}4gr\u{fc}\u{df}e").await.ok(), "ok");
    let mut heard = Vec::new();
    while heard.len() < 3 {
        heard.extend(session.poll().await.ok().split('\u{1e}').map(str::to_owned));
    }
    assert_eq!(heard, ["4one", "bAQIDBA==", "4gr\u{fc}\u{df}e"]);
    let waiting = session.begin_poll().await;
    assert_eq!(session.post("4two").await.ok(), "ok");
    assert_eq!(waiting.answer().await.ok(), "4two");
}

#[tokio::test]
async fn a_second_poll_ends_the_session_and_the_first_is_told() {
    let session = Polling::open(engine(options(), Echo).await).await;
    // Both wait; whichever comes second is the wrong one.
    let (first, second) = tokio::join!(session.poll(), session.poll());
    let mut answers = [(first.status, first.body), (second.status, second.body)];
    answers.sort();
    assert_eq!(answers[0], (200, "1".to_owned()));
    assert_eq!(answers[1].0, 400);
    assert_eq!(session.poll().await.status, 400);
}

#[tokio::test]
async fn a_poll_that_crossed_the_clients_goodbye_is_told_once() {
    let session = Polling::open(engine(options(), Echo).await).await;
    assert_eq!(session.post("1").await.ok(), "ok");
    assert_eq!(session.poll().await.ok(), "6");
    assert_eq!(session.poll().await.status, 400);
    let session = Polling::open(engine(options(), Echo).await).await;
    let (poll, post) = tokio::join!(session.poll(), session.post("1"));
    assert_eq!((poll.ok().as_str(), post.ok().as_str()), ("6", "ok"));
}

#[tokio::test]
async fn a_poll_that_is_hung_up_ends_the_session() {
    let session = Polling::open(engine(options(), Echo).await).await;
    drop(session.begin_poll().await);
    // Seen, or still unseen and then the second of two polls: either way the session is over.
    assert_eq!(session.poll().await.status, 400);
    assert_eq!(session.post("4x").await.status, 400);
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_and_ends_the_session() {
    let at = engine(options(), Echo).await;
    let session = Polling::open(at).await;
    let largest = format!("4{}", "x".repeat(LARGEST - 1));
    assert_eq!(session.post(&largest).await.ok(), "ok");
    assert_eq!(session.poll().await.ok(), largest);
    let waiting = session.begin_poll().await;
    assert_eq!(session.post(format!("{largest}x").repeat(300)).await.status, 413);
    assert_eq!(waiting.answer().await.ok(), "1");
    assert_eq!(session.poll().await.status, 400);
}

#[tokio::test]
async fn what_is_no_packet_ends_the_session() {
    let at = engine(options(), Echo).await;
    for body in [&b"abc"[..], b"", b"2", b"2probe", b"0{}", b"\x1e", b"4x\x1e", b"4\xff"] {
        let session = Polling::open(at).await;
        assert_eq!(session.post(body).await.status, 400, "{body:?}");
        assert_eq!(session.poll().await.status, 400, "{body:?}");
    }
}

#[tokio::test]
async fn a_poll_at_or_after_the_deadline_is_400_whatever_waits() {
    let options = EngineOptions { ping_interval: Duration::ZERO, ping_timeout: Duration::ZERO, ..options() };
    let session = Polling::open(engine(options, Echo).await).await;
    assert_eq!(session.poll().await.status, 400);
    assert_eq!(session.post("3").await.status, 400);
}

#[tokio::test]
async fn a_client_that_hardly_polls_stops_the_writer_and_loses_nothing() {
    for (query, most) in [("EIO=4&transport=polling", 100), ("transport=polling&EIO=4", 16)] {
        let counter = Counter::default();
        let written = counter.0.clone();
        let session = Polling::open_with(engine(options(), counter).await, query).await;
        session.post("4300").await.ok();
        let mut heard = Vec::new();
        while heard.len() < 300 {
            let payload = session.poll().await.ok();
            let before = heard.len();
            heard.extend(payload.split('\u{1e}').map(|packet| packet[1..].parse::<usize>().unwrap()));
            assert!(heard.len() - before <= most, "more than this client takes: {query}");
            let written = written.load(Ordering::SeqCst);
            assert!(written <= heard.len() + 70, "{written} were written when {} were heard", heard.len());
        }
        assert_eq!(heard, (1..=300).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn one_session_too_many_is_turned_away_until_another_is_forgotten() {
    let at = engine(EngineOptions { max_sessions: 1, ..options() }, Echo).await;
    let session = Polling::open(at).await;
    let refused = ask(at, "GET", "EIO=4&transport=polling", b"").await.answer().await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("overloaded") && refused.header("retry-after").is_some());
    session.post("1").await.ok();
    crate::within(async {
        while ask(at, "GET", "EIO=4&transport=polling", b"").await.answer().await.status == 503 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
