//! The HTTP side: history, health, the page, CORS, and problem documents for everything else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::sync::atomic::Ordering;

use common::edge::{Answer, Edge, Plan, request};
use common::{hs256, seconds, secret_options};
use domain::words::UserId;
use gateway::AuthOptions;
use serde_json::{Value, json};

fn bearer(claims: &Value) -> String {
    format!("Bearer {}", hs256(claims))
}

fn anna() -> String {
    bearer(&json!({"sub": "anna", "exp": seconds(60)}))
}

async fn history(edge: &Edge, room_and_query: &str, authorization: &str) -> Answer {
    let path = format!("/api/rooms/{}", room_and_query.replacen('?', "/messages?", 1));
    let path = if path.contains('?') { path } else { format!("{path}/messages") };
    edge.get(&path, &[("Authorization", authorization)]).await
}

fn seqs(answer: &Answer) -> Vec<u64> {
    answer.json()["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["seq"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn history_is_read_page_by_page_to_its_beginning() {
    let edge = Edge::start(Plan::default()).await;
    for number in 1..=5 {
        edge.world.say("room:lounge", UserId::number(7).unwrap(), &format!("number {number}")).await;
    }
    let newest = history(&edge, "room%3Alounge?limit=2", &anna()).await;
    assert_eq!((newest.status, newest.header("content-type")), (200, Some("application/json")));
    assert_eq!((seqs(&newest), &newest.json()["nextBefore"]), (vec![4, 5], &json!(4)));
    let older = history(&edge, "room:lounge?limit=2&before=4", &anna()).await;
    assert_eq!((seqs(&older), &older.json()["nextBefore"]), (vec![2, 3], &json!(2)));
    let oldest = history(&edge, "room:lounge?limit=2&before=2", &anna()).await;
    assert_eq!((seqs(&oldest), oldest.json().get("nextBefore")), (vec![1], None));
    let exact = history(&edge, "room:lounge?limit=5", &anna()).await;
    assert_eq!((seqs(&exact).len(), exact.json().get("nextBefore")), (5, None), "no page lies below seq 1");
    let empty = history(&edge, "room:empty", &anna()).await;
    assert_eq!(empty.json(), json!({"messages": []}));
    let message = &oldest.json()["messages"][0];
    assert_eq!(message["roomId"], "room:lounge");
    assert_eq!((&message["userId"], &message["username"]), (&json!(7), &json!("Bob")));
    assert_eq!((&message["message"], &message["messageType"]), (&json!("number 1"), &json!("text")));
    assert_eq!((&message["attachments"], &message["epoch"]), (&json!([]), &json!(1)));
    assert_eq!(message["sentAt"], "2025-11-20T18:00:00.123Z");
    assert_eq!(message["id"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn a_page_too_large_is_cut_and_the_rest_is_still_reached() {
    let edge = Edge::start(Plan::default()).await;
    let long = "\u{e4}".repeat(8192);
    for _ in 0..40 {
        edge.world.say("room:lounge", UserId::text("bob").unwrap(), &long).await;
    }
    let (mut found, mut before, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = history(&edge, &format!("room:lounge?limit=100{before}"), &anna()).await;
        assert!(page.body.len() <= 270_000, "{}", page.body.len());
        found.splice(0..0, seqs(&page));
        pages += 1;
        match page.json().get("nextBefore") {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(found, (1..=40).collect::<Vec<u64>>());
    assert!(pages > 1);
}

#[tokio::test]
async fn the_number_of_messages_in_a_page_is_fifty_unless_named() {
    let edge = Edge::start(Plan::default()).await;
    for _ in 0..120 {
        edge.world.say("lobby:main", UserId::text("bob").unwrap(), "hi").await;
    }
    assert_eq!(seqs(&history(&edge, "lobby:main", &anna()).await).len(), 50);
    assert_eq!(seqs(&history(&edge, "lobby:main?limit=100", &anna()).await).len(), 100);
    assert_eq!(seqs(&history(&edge, "lobby:main?limit=100&before=21", &anna()).await).len(), 20);
}

#[tokio::test]
async fn rooms_are_read_by_those_who_may_and_refused_to_all_others() {
    let edge = Edge::start(Plan::default()).await;
    let narrow = bearer(&json!({"sub": "anna", "rooms": ["room:a"]}));
    for (room, authorization, status, code) in [
        ("room:a", anna(), 200, ""),
        ("room:a", narrow.clone(), 200, ""),
        ("lobby:main", narrow.clone(), 200, ""),
        ("room:b", narrow.clone(), 403, "forbidden"),
        ("chat:1", anna(), 403, "not_a_participant"),
        ("chat:1", narrow, 403, "forbidden"),
        ("lobby:other", anna(), 404, "not_found"),
        ("event:1", anna(), 404, "not_found"),
        ("user:anna", anna(), 404, "not_found"),
        ("lounge", anna(), 422, "invalid_room"),
        ("cellar:x", anna(), 422, "invalid_room"),
        ("room:a%2Fb", anna(), 422, "invalid_room"),
        ("room:%FF", anna(), 422, "invalid_room"),
        ("room:a?limit=0", anna(), 400, "invalid_message"),
        ("room:a?limit=101", anna(), 400, "invalid_message"),
        ("room:a?limit=many", anna(), 400, "invalid_message"),
        ("room:a?before=-1", anna(), 400, "invalid_message"),
        ("room:a?before=x", anna(), 400, "invalid_message"),
        ("room:a", "Bearer nonsense".to_owned(), 401, "unauthorized"),
        ("room:a", String::new(), 401, "unauthorized"),
        ("lounge", String::new(), 401, "unauthorized"),
    ] {
        let answer = history(&edge, room, &authorization).await;
        match status {
            200 => assert_eq!(answer.status, 200, "{room} {}", answer.body),
            _ => assert_eq!(answer.problem(), (status, code.to_owned()), "{room}"),
        }
    }
}

#[tokio::test]
async fn a_cookie_works_over_http_unless_the_origin_is_foreign() {
    let edge = Edge::start(Plan::default()).await;
    let cookie = format!("token={}", hs256(&json!({"sub": "anna"})));
    let path = "/api/rooms/room:a/messages";
    assert_eq!(edge.get(path, &[("Cookie", &cookie)]).await.status, 200);
    let own = format!("http://{}", edge.address);
    assert_eq!(edge.get(path, &[("Cookie", &cookie), ("Origin", &own)]).await.status, 200);
    let foreign = edge.get(path, &[("Cookie", &cookie), ("Origin", "https://evil.example")]).await;
    assert_eq!(foreign.problem(), (403, "forbidden".to_owned()));
    assert_eq!(foreign.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn listed_origins_may_read_answers_and_others_may_not() {
    let auth = AuthOptions { allowed_origins: vec!["https://app.example".to_owned()], ..secret_options() };
    let edge = Edge::start(Plan { auth, ..Plan::default() }).await;
    let path = "/api/rooms/room:a/messages";
    let listed = ("Origin", "https://app.example");
    let answer = edge.get(path, &[listed, ("Authorization", &anna())]).await;
    for (name, value) in [
        ("access-control-allow-origin", "https://app.example"),
        ("access-control-allow-credentials", "true"),
        ("vary", "Origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let refused = edge.get(path, &[listed]).await;
    assert_eq!(
        (refused.status, refused.header("access-control-allow-origin")),
        (401, Some("https://app.example"))
    );
    let unknown = edge.get("/api/nothing", &[listed]).await;
    assert_eq!(
        (unknown.status, unknown.header("access-control-allow-origin")),
        (404, Some("https://app.example"))
    );
    let method = ("Access-Control-Request-Method", "GET");
    let preflight = request(edge.address, "OPTIONS", path, &[listed, method]).await;
    assert_eq!((preflight.status, preflight.body.as_str()), (204, ""));
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert!(preflight.header("access-control-allow-methods").unwrap().contains("GET"));
    let foreign = ("Origin", "https://evil.example");
    assert_eq!(request(edge.address, "OPTIONS", path, &[foreign, method]).await.problem().0, 403);
    let answer = edge.get(path, &[foreign, ("Authorization", &anna())]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
    assert_eq!(answer.header("vary"), Some("Origin"));
}

#[tokio::test]
async fn readiness_names_what_is_missing_and_asks_the_store_once_a_second() {
    let edge = Edge::start(Plan::default()).await;
    for address in [edge.address, edge.admin] {
        assert_eq!(request(address, "GET", "/healthz", &[]).await.status, 200);
        let ready = request(address, "GET", "/readyz", &[]).await;
        let expected = json!({"ready": true, "draining": false, "broker": true, "store": true});
        assert_eq!((ready.status, ready.json()), (200, expected));
    }
    edge.world.broker_is_silent.store(true, Ordering::SeqCst);
    let silent = edge.get("/readyz", &[]).await;
    assert_eq!((silent.status, &silent.json()["broker"]), (503, &json!(false)));
    assert_eq!(edge.world.store_was_asked.load(Ordering::SeqCst), 1);
    assert_eq!(edge.get("/healthz", &[]).await.status, 200, "the process itself lives");
}

#[tokio::test]
async fn a_node_whose_store_is_away_is_not_ready() {
    let edge = Edge::start(Plan::default()).await;
    edge.world.store_is_away.store(true, Ordering::SeqCst);
    let ready = edge.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["store"]), (503, &json!(false)));
}

#[tokio::test]
async fn the_page_is_served_without_any_inline_code() {
    let edge = Edge::start(Plan::default()).await;
    let page = edge.get("/?token=whatever", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.body.contains("style=") && !page.body.contains("onclick") && !page.body.contains("<style"));
    assert_eq!(page.body.matches("<script").count(), 1);
    for (path, kind) in
        [("/app.js", "text/javascript; charset=utf-8"), ("/app.css", "text/css; charset=utf-8")]
    {
        let file = edge.get(path, &[]).await;
        assert_eq!((file.status, file.header("content-type")), (200, Some(kind)));
        assert!(!file.body.contains("innerHTML"), "text nodes only");
    }
    // Another protocol is offered, not a WebSocket: the page all the same.
    let other = edge.get("/", &[("Connection", "Upgrade"), ("Upgrade", "h2c")]).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_unknown_paths_are_problems() {
    let edge = Edge::start(Plan::default()).await;
    for (path, status) in
        [("/", 200), ("/nothing", 404), ("/api/nothing", 404), ("/api", 404), ("/metrics", 404)]
    {
        let answer = edge.get(path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        if status == 404 {
            assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{path}");
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(
            answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"),
            "{path}"
        );
    }
    let wrong = request(edge.address, "DELETE", "/api/rooms/room:a/messages", &[]).await;
    assert_eq!(wrong.problem(), (405, "invalid_message".to_owned()));
}
