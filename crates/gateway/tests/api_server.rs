//! The server API: what backends say through it and see with it, over real HTTP and real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod harness;
#[path = "common/log.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod log;

use std::sync::atomic::Ordering;

use futures::future::join_all;
use harness::client::{Answer, Client};
use harness::hub::{claims, heard};
use harness::{Edge, chat, seconds};
use log::Log;
use serde_json::{Value, json};

impl Edge {
    fn service(&self) -> Client {
        self.with(&json!({"sub": "backend", "role": "service", "exp": seconds(600)}))
    }

    /// The newest messages of a room.
    async fn messages(&self, room: &str) -> Vec<Value> {
        let answer = self.user("reader").get(&format!("/api/rooms/{room}/messages")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["messages"].as_array().unwrap().clone()
    }
}

fn publication(room: &str, text: &str) -> Value {
    json!({"room": room, "userId": "ghost", "username": "Ghost", "message": text})
}

async fn publish(by: &Client, body: &Value) -> Answer {
    by.post("/api/server/publish", body).await
}

#[tokio::test]
async fn the_server_api_is_for_services_and_admins_alone_and_the_security_log_tells_of_others() {
    let edge = Edge::usual().await;
    let (log, _guard) = Log::listen();
    let moderator = edge.with(&json!({"sub": "mod", "role": "moderator", "exp": seconds(600)}));
    let requests = [
        ("POST", "publish"),
        ("POST", "broadcast"),
        ("POST", "users/x/announce"),
        ("POST", "users/x/disconnect"),
        ("POST", "users/x/disable"),
        ("POST", "users/x/enable"),
        ("PUT", "users/x/role"),
        ("POST", "tokens/revoke"),
        ("GET", "stats"),
        ("GET", "nodes"),
        ("GET", "presence?room=room:x"),
    ];
    for (method, path) in requests {
        let path = format!("/api/server/{path}");
        edge.client().send(method, &path, "{}").await.is(401, "unauthorized");
        for client in [&edge.user("anna"), &moderator] {
            client.send(method, &path, "{}").await.is(403, "forbidden");
        }
    }
    let denied = log.security().into_iter().filter(|line| line.field("reason") == Some("needs_admin"));
    let of_anna =
        denied.filter(|line| line.field("user.id") == Some("anna") && line.field("door") == Some("api"));
    assert_eq!(of_anna.count(), requests.len());
    let admin = edge.with(&json!({"sub": "root", "role": "admin", "exp": seconds(600)}));
    assert_eq!(admin.get("/api/server/stats").await.status, 200);
}

#[tokio::test]
async fn a_service_publishes_in_somebodys_name_and_the_room_hears_it() {
    let edge = Edge::usual().await;
    let mut ear = edge.hub(&claims("ear")).await;
    let answer = publish(&edge.service(), &publication("lobby:main", "boo")).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let (told, answer) = (heard(&mut ear, "chat").await, answer.json());
    assert_eq!(answer, json!({"id": told["id"], "seq": told["seq"]}));
    assert_eq!(
        (&told["userId"], &told["username"], &told["message"]),
        (&json!("ghost"), &json!("Ghost"), &json!("boo"))
    );
    let numbered = json!({"room": "room:lounge", "userId": 7, "message": " as sent ", "clientId": "c-1"});
    let first = publish(&edge.service(), &numbered).await;
    assert_eq!((first.status, &first.json()["seq"]), (202, &json!(1)));
    let again = publish(&edge.service(), &numbered).await;
    assert_eq!((again.status, again.json()), (202, first.json()), "the same clientId is the same message");
    let kept = edge.messages("room:lounge").await;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (&kept[0]["userId"], &kept[0]["message"], &kept[0]["clientId"]),
        (&json!(7), &json!(" as sent "), &json!("c-1"))
    );
    assert!(kept[0].get("username").is_none());
}

#[tokio::test]
async fn a_service_publishes_into_chats_that_there_are() {
    let edge = Edge::usual().await;
    let (anna, _bob) = (edge.known("anna").await, edge.known("bob").await);
    let room = format!("chat:{}", chat(&anna, &["bob"]).await);
    assert_eq!(publish(&edge.service(), &publication(&room, "hello")).await.status, 202);
    let shown = anna.get(&format!("/api/rooms/{room}/messages")).await.json();
    assert_eq!(shown["messages"][0]["message"], "hello");
    publish(&edge.service(), &publication("chat:none", "hello")).await.is(404, "not_found");
    edge.directory.away.store(true, Ordering::SeqCst);
    publish(&edge.service(), &publication(&room, "hello")).await.is(503, "overloaded");
    assert_eq!(
        publish(&edge.service(), &publication("room:x", "hello")).await.status,
        202,
        "rooms need no directory"
    );
}

#[tokio::test]
async fn a_publication_that_breaks_a_rule_is_refused() {
    let edge = Edge::usual().await;
    let service = edge.service();
    for room in ["event:1", "user:ghost", "cluster:all", "nonsense", "lobby:other", "room:", "room:a b", ""] {
        publish(&service, &publication(room, "x")).await.is(422, "invalid_room");
    }
    for (field, value) in [
        ("room", json!(null)),
        ("room", json!(7)),
        ("userId", json!(null)),
        ("userId", json!("")),
        ("userId", json!(1.5)),
        ("message", json!(null)),
        ("message", json!(" \n")),
        ("message", json!("a\u{0}b")),
        ("message", json!(7)),
        ("clientId", json!("")),
        ("clientId", json!("x".repeat(65))),
        ("clientId", json!(7)),
        ("username", json!(7)),
        ("username", json!("a\u{0}")),
        ("username", json!("x".repeat(129))),
    ] {
        let mut body = publication("room:x", "x");
        body[field] = value;
        publish(&service, &body).await.is(422, "invalid_message");
    }
    publish(&service, &publication("room:x", &"\u{fc}".repeat(8193))).await.is(413, "too_large");
    assert_eq!(
        publish(&service, &publication("room:x", &format!(" {} ", "\u{fc}".repeat(8192)))).await.status,
        202
    );
    service.send("POST", "/api/server/publish", "{").await.is(400, "invalid_message");
    service.post("/api/server/broadcast", &json!({"message": " "})).await.is(422, "invalid_message");
    assert_eq!(edge.messages("room:x").await.len(), 1);
}

#[tokio::test]
async fn a_broadcast_is_heard_by_everybody() {
    let edge = Edge::usual().await;
    let (mut anna, mut bob) = (edge.hub(&claims("anna")).await, edge.hub(&claims("bob")).await);
    let answer = edge.service().post("/api/server/broadcast", &json!({"message": "closing time"})).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"from": "backend"})), "{}", answer.body);
    for socket in [&mut anna, &mut bob] {
        let told = heard(socket, "announcement").await;
        assert_eq!(told, json!({"type": "announcement", "message": "closing time", "from": "backend"}));
    }
}

#[tokio::test]
async fn an_announcement_to_one_user_is_heard_by_them_alone() {
    let edge = Edge::usual().await;
    let (mut anna, mut bob) = (edge.hub(&claims("anna")).await, edge.hub(&claims("bob")).await);
    let path = |user| format!("/api/server/users/{user}/announce");
    for user in ["anna", "nobody", "bob"] {
        let answer = edge.service().post(&path(user), &json!({"message": user})).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
    }
    for (socket, user) in [(&mut anna, "anna"), (&mut bob, "bob")] {
        assert_eq!(heard(socket, "announcement").await["message"], user);
    }
    edge.service().post(&path("anna"), &json!({"message": ""})).await.is(422, "invalid_message");
}

#[tokio::test]
async fn under_one_key_a_message_is_published_once_and_answered_alike() {
    let edge = Edge::usual().await;
    let keyed = edge.service().header("Idempotency-Key", "k-1");
    let body = publication("room:x", "once");
    let answers = join_all((0..8).map(|_| publish(&keyed, &body))).await;
    for answer in &answers {
        assert_eq!((answer.status, answer.json()), (202, answers[0].json()), "{}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!(edge.messages("room:x").await.len(), 1);
    publish(&keyed, &publication("room:x", "twice")).await.is(409, "conflict");
    keyed.post("/api/server/broadcast", &json!({"message": "x"})).await.is(409, "conflict");
    keyed.post("/api/server/users/x/disconnect", &json!({})).await.is(409, "conflict");
    let spaced = keyed.send("POST", "/api/server/publish", &format!(" {body} ")).await;
    assert_eq!((spaced.status, spaced.json()), (202, answers[0].json()), "space is not the body");
    let other = edge
        .with(&json!({"sub": "other", "role": "service", "exp": seconds(600)}))
        .header("Idempotency-Key", "k-1");
    assert_ne!(
        publish(&other, &body).await.json()["id"],
        answers[0].json()["id"],
        "a key is its caller's own"
    );
    edge.service()
        .header("Idempotency-Key", "a b")
        .post("/api/server/publish", &body)
        .await
        .is(400, "invalid_message");
}

#[tokio::test]
async fn a_key_names_the_message_so_that_what_is_not_remembered_is_not_published_twice() {
    let edge = Edge::usual().await;
    let body = publication("room:x", "once");
    let first = publish(&edge.service().header("Idempotency-Key", "k-1"), &body).await.json();
    let name = edge.messages("room:x").await[0]["clientId"].clone();
    assert!(name.as_str().is_some_and(|name| name.len() <= 64 && !name.contains("k-1")), "{name}");
    // A node that died before the answer was remembered leaves only the message behind.
    let mut named = body.clone();
    named["clientId"] = name;
    assert_eq!(publish(&edge.service(), &named).await.json(), first);
    named["clientId"] = json!("own");
    publish(&edge.service().header("Idempotency-Key", "k-2"), &named).await;
    assert_eq!(edge.messages("room:x").await[1]["clientId"], "own", "a name of one's own counts");
}

#[tokio::test]
async fn who_was_refused_may_try_again_under_the_same_key() {
    let edge = Edge::usual().await;
    let say = async |key: &str, text: &str| {
        let keyed = edge.service().header("Idempotency-Key", key);
        keyed.post("/api/server/broadcast", &json!({"message": text})).await
    };
    edge.broker.refusals.store(1, Ordering::SeqCst);
    say("k-1", "first").await.is(503, "overloaded");
    let mut ear = edge.hub(&claims("ear")).await;
    assert_eq!(say("k-1", "first").await.status, 202);
    assert_eq!(say("k-1", "first").await.status, 202);
    assert_eq!(say("k-2", "second").await.status, 202);
    for expected in ["first", "second"] {
        assert_eq!(
            heard(&mut ear, "announcement").await["message"],
            expected,
            "the repeat is not said again"
        );
    }
}

#[tokio::test]
async fn a_service_sees_how_many_there_are_where_and_who() {
    let edge = Edge::usual().await;
    let service = edge.service();
    let _sockets = [
        edge.hub(&claims("anna")).await,
        edge.hub(&claims("anna")).await,
        edge.hub(&json!({"sub": 7})).await,
    ];
    let stats = service.get("/api/server/stats").await;
    assert_eq!(
        (stats.status, stats.json()),
        (200, json!({"totalConnections": 3, "totalUsers": 2, "nodes": 1}))
    );
    let nodes = service.get("/api/server/nodes").await.json();
    let node = &nodes["nodes"].as_array().unwrap()[0];
    assert_eq!((&node["name"], &node["connections"]), (&json!("test"), &json!(3)), "{nodes}");
    assert!(node["id"].as_str().unwrap().starts_with("test~"));
    for user in ["anna", "7"] {
        edge.seated("lobby:main", user).await;
    }
    let seen = service.get("/api/server/presence?room=lobby%3Amain").await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    let mut seen = seen.json();
    seen["users"].as_array_mut().unwrap().sort_by_key(|user| user["userId"].to_string());
    let users = json!([
        {"userId": "anna", "username": "anna!", "connections": 2},
        {"userId": 7, "username": null, "connections": 1}]);
    assert_eq!(seen, json!({"room": "lobby:main", "users": users, "count": 2}));
    let empty = service.get("/api/server/presence?room=room:empty").await.json();
    assert_eq!(empty, json!({"room": "room:empty", "users": [], "count": 0}));
    for query in ["", "?room=", "?room=nonsense", "?room=cluster:all", "?room=%ff", "?room=room:a%20b"] {
        service.get(&format!("/api/server/presence{query}")).await.is(400, "invalid_message");
    }
}

#[tokio::test]
async fn a_token_for_a_list_of_rooms_reaches_those_rooms_alone() {
    let edge = Edge::usual().await;
    let narrow =
        edge.with(&json!({"sub": "backend", "role": "service", "rooms": ["room:x"], "exp": seconds(600)}));
    assert_eq!(publish(&narrow, &publication("room:x", "x")).await.status, 202);
    publish(&narrow, &publication("room:y", "x")).await.is(403, "forbidden");
    assert_eq!(narrow.get("/api/server/presence?room=room:x").await.status, 200);
    narrow.get("/api/server/presence?room=room:y").await.is(403, "forbidden");
    for path in ["broadcast", "users/x/disconnect", "users/x/disable", "users/x/enable", "tokens/revoke"] {
        let body = json!({"message": "x", "jti": "x"});
        narrow.post(&format!("/api/server/{path}"), &body).await.is(403, "forbidden");
    }
    for path in ["stats", "nodes"] {
        narrow.get(&format!("/api/server/{path}")).await.is(403, "forbidden");
    }
}
