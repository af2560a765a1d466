//! The server API: what operators rule against users and tokens, over real HTTP and real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod harness;
#[path = "common/log.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod log;

use harness::client::Client;
use harness::hub::{PATIENCE, claims, closed};
use harness::{Edge, seconds};
use log::Log;
use serde_json::json;

impl Edge {
    fn service(&self) -> Client {
        self.with(&json!({"sub": "backend", "role": "service", "exp": seconds(600)}))
    }
}

#[tokio::test]
async fn a_disconnected_user_may_come_back() {
    let edge = Edge::usual().await;
    let sockets = [edge.hub(&claims("anna")).await, edge.hub(&claims("anna")).await];
    let answer = edge.service().post("/api/server/users/anna/disconnect", &json!({})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"closed": 2})), "{}", answer.body);
    for socket in sockets {
        assert_eq!(closed(socket).await, 4503);
    }
    edge.hub(&claims("anna")).await;
    let nobody = edge.service().send("POST", "/api/server/users/nobody%20here/disconnect", "").await;
    assert_eq!((nobody.status, nobody.json()), (200, json!({"closed": 0})), "{}", nobody.body);
    let long = format!("/api/server/users/{}/disconnect", "x".repeat(129));
    edge.service().send("POST", &long, "").await.is(422, "invalid_message");
    edge.service().send("POST", "/api/server/users/%ff/disable", "").await.is(422, "invalid_message");
}

#[tokio::test]
async fn a_disabled_user_is_out_over_http_too_until_they_are_let_in() {
    let edge = Edge::usual().await;
    let (log, _guard) = Log::listen();
    let (anna, socket) = (edge.known("anna").await, edge.hub(&claims("anna")).await);
    let answer = edge.service().post("/api/server/users/anna/disable", &json!({})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"closed": 1})), "{}", answer.body);
    assert_eq!(closed(socket).await, 4503);
    for path in ["/api/me", "/api/chats", "/api/events", "/api/rooms/room:x/messages"] {
        anna.get(path).await.is(401, "unauthorized");
    }
    let told = log.security().into_iter().filter(|line| line.field("reason") == Some("user_disabled"));
    let over_http =
        told.filter(|line| line.field("user.id") == Some("anna") && line.field("door") == Some("api"));
    assert_eq!(over_http.count(), 4);
    let enabled = edge.service().post("/api/server/users/anna/enable", &json!({})).await;
    assert_eq!((enabled.status, enabled.body.as_str()), (204, ""));
    let again = async {
        while anna.get("/api/me").await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("they are in again");
}

#[tokio::test]
async fn a_user_who_was_never_here_is_kept_out_ahead() {
    let edge = Edge::usual().await;
    let answer = edge.service().post("/api/server/users/anna/disable", &json!({})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"closed": 0})));
    edge.user("anna").get("/api/me").await.is(401, "unauthorized");
}

#[tokio::test]
async fn nobody_shuts_themselves_out() {
    let edge = Edge::usual().await;
    let service = edge.service();
    service.post("/api/server/users/backend/disable", &json!({})).await.is(409, "conflict");
    let role = |role: &str| json!({"role": role}).to_string();
    service.send("PUT", "/api/server/users/backend/role", &role("user")).await.is(409, "conflict");
    assert_eq!(service.send("PUT", "/api/server/users/backend/role", &role("service")).await.status, 204);
    assert_eq!(service.get("/api/server/stats").await.status, 200);
}

#[tokio::test]
async fn a_revoked_token_is_good_for_nothing_and_others_of_its_user_are() {
    let edge = Edge::usual().await;
    let leaked = json!({"sub": "anna", "jti": "t-1", "exp": seconds(600)});
    let (socket, client) = (edge.hub(&leaked).await, edge.with(&leaked));
    assert_eq!(client.get("/api/me").await.status, 200);
    let answer = edge.service().post("/api/server/tokens/revoke", &json!({"jti": "t-1"})).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(closed(socket).await, 4503);
    client.get("/api/me").await.is(401, "unauthorized");
    assert_eq!(edge.user("anna").get("/api/me").await.status, 200);
    let until = json!({"jti": "t-2", "expiresAt": "2099-01-31T12:00:00+01:00"});
    assert_eq!(edge.service().post("/api/server/tokens/revoke", &until).await.status, 204);
    for body in [
        json!({}),
        json!({"jti": ""}),
        json!({"jti": 7}),
        json!({"jti": "a\u{0}"}),
        json!({"jti": "x".repeat(129)}),
        json!({"jti": "t", "expiresAt": "tomorrow"}),
        json!({"jti": "t", "expiresAt": 1_900_000_000}),
    ] {
        edge.service().post("/api/server/tokens/revoke", &body).await.is(422, "invalid_message");
    }
}

#[tokio::test]
async fn the_role_that_an_operator_gives_counts_for_tokens_issued_before() {
    let edge = Edge::usual().await;
    let (log, _guard) = Log::listen();
    let anna = edge.known("anna").await;
    let give = async |role: &str| {
        let answer = edge
            .service()
            .send("PUT", "/api/server/users/anna/role", &json!({"role": role}).to_string())
            .await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    };
    let becomes = async |status: u16| {
        let changed = async {
            while anna.get("/api/server/stats").await.status != status {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, changed).await.expect("the role counts in time");
    };
    give("admin").await;
    becomes(200).await;
    assert_eq!(anna.get("/api/me").await.json()["role"], "admin");
    let above = anna.send("PUT", "/api/server/users/bob/role", &json!({"role": "service"}).to_string()).await;
    above.is(403, "forbidden");
    assert_eq!(log.incident("role_above_own").field("user.id"), Some("anna"));
    give("user").await;
    becomes(403).await;
    for body in [json!({}), json!({"role": "king"}), json!({"role": 7})] {
        let refused = edge.service().send("PUT", "/api/server/users/anna/role", &body.to_string()).await;
        refused.is(422, "invalid_message");
    }
}
