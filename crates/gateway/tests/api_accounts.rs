//! Registering, logging in and out, and who may come in, over real HTTP and a real database file.
//!
//! Above 400 lines because each refusal of these four routes stands beside what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod harness;

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use gateway::{AccountOptions, AuthOptions, KeySource};
use harness::client::{Answer, Client};
use harness::{Edge, options, seconds, token};
use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

fn with_accounts(accounts: AccountOptions) -> AuthOptions {
    AuthOptions { accounts, ..options() }
}

/// Options without any limit of logins.
fn unlimited() -> AuthOptions {
    with_accounts(AccountOptions { logins_per_minute: 0, logins_per_address: 0, ..AccountOptions::default() })
}

async fn register(client: &Client, name: &str) -> Answer {
    client.post("/api/auth/register", &json!({"username": name, "password": PASSWORD})).await
}

async fn login(client: &Client, name: &str, password: &str) -> Answer {
    client.post("/api/auth/login", &json!({"username": name, "password": password})).await
}

fn claims(token: &Value) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn whoever_registers_is_in_and_can_come_back_by_name() {
    let edge = Edge::usual().await;
    let body = json!({"username": "  Anna ", "password": PASSWORD, "email": "anna@example.org"});
    let answer = edge.client().post("/api/auth/register", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let registered = answer.json();
    let id = registered["user"]["id"].as_str().unwrap();
    assert_eq!(registered["user"], json!({"id": id, "username": "Anna", "role": "user"}));
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
    let bearer = |answer: &Answer| format!("Bearer {}", answer.json()["token"].as_str().unwrap());
    for answer in [
        answer,
        login(&edge.client(), "anna", PASSWORD).await,
        login(&edge.client(), " ANNA ", PASSWORD).await,
    ] {
        assert!(answer.status == 201 || answer.status == 200, "{}", answer.body);
        assert_eq!(answer.json()["user"], registered["user"]);
        let me = edge.client().header("Authorization", &bearer(&answer)).get("/api/me").await;
        assert_eq!((me.status, me.json()), (200, registered["user"].clone()));
    }
}

#[tokio::test]
async fn the_cookie_is_for_the_server_alone_and_is_taken_away_again() {
    let edge = Edge::usual().await;
    let answer = register(&edge.client(), "anna").await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let cookie = format!("token={token}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax");
    assert_eq!(answer.header("set-cookie"), Some(cookie.as_str()));
    let me = edge.client().header("Cookie", &format!("token={token}")).get("/api/me").await;
    assert_eq!((me.status, &me.json()["username"]), (200, &json!("anna")));
    let out = edge.client().post("/api/auth/logout", &json!({})).await;
    assert_eq!((out.status, out.body.as_str()), (204, ""));
    assert_eq!(out.header("set-cookie"), Some("token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    assert_eq!(edge.client().send("POST", "/api/auth/logout", "").await.status, 204);
}

#[tokio::test]
async fn the_cookie_is_secure_where_a_trusted_proxy_says_that_the_client_speaks_https() {
    let trusting = AuthOptions {
        trusted_proxies: vec!["127.0.0.0/8".to_owned()],
        cookie: "sid".to_owned(),
        ..options()
    };
    for (auth, scheme, name, secure) in [
        (trusting, "https", "sid", true),
        (options(), "https", "token", false),
        (options(), "http", "token", false),
    ] {
        let edge = Edge::start(auth).await;
        let client = edge.client().header("X-Forwarded-Proto", scheme);
        for answer in [register(&client, "anna").await, client.post("/api/auth/logout", &json!({})).await] {
            let cookie = answer.header("set-cookie").unwrap();
            assert!(cookie.starts_with(&format!("{name}=")), "{cookie}");
            assert_eq!(cookie.ends_with("; Secure"), secure, "{cookie}");
        }
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_names_its_field() {
    let edge = Edge::start(unlimited()).await;
    let long = "x".repeat(1025);
    for (path, body, field) in [
        ("register", json!({"password": PASSWORD}), "username"),
        ("register", json!({"username": null, "password": PASSWORD}), "username"),
        ("register", json!({"username": 7, "password": PASSWORD}), "username"),
        ("register", json!({"username": " ", "password": PASSWORD}), "username"),
        ("register", json!({"username": "a\u{0}", "password": PASSWORD}), "username"),
        ("register", json!({"username": "x".repeat(65), "password": PASSWORD}), "username"),
        ("register", json!({"username": "anna"}), "password"),
        ("register", json!({"username": "anna", "password": "1234567"}), "password"),
        ("register", json!({"username": "anna", "password": 12_345_678}), "password"),
        ("register", json!({"username": "anna", "password": long}), "password"),
        ("register", json!({"username": "anna", "password": PASSWORD, "email": "anna"}), "email"),
        ("register", json!({"username": "anna", "password": PASSWORD, "email": 7}), "email"),
        ("login", json!({"password": PASSWORD}), "username"),
        ("login", json!({"username": "anna"}), "password"),
        ("login", json!({"username": ["anna"], "password": PASSWORD}), "username"),
    ] {
        let answer = edge.client().post(&format!("/api/auth/{path}"), &body).await;
        answer.is(422, "invalid_message");
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(field), "{}", answer.body);
    }
    for (body, status, code) in [
        ("", 400, "invalid_message"),
        ("{", 400, "invalid_message"),
        ("username=anna", 400, "invalid_message"),
        ("{\"username\": \"\u{1}\"}", 400, "invalid_message"),
        ("[]", 422, "invalid_message"),
        ("\"anna\"", 422, "invalid_message"),
        (&format!("{{\"username\":\"{}\"}}", "x".repeat(64 * 1024)), 413, "too_large"),
    ] {
        for path in ["/api/auth/register", "/api/auth/login"] {
            edge.client().send("POST", path, body).await.is(status, code);
        }
    }
    edge.client().get("/api/auth/login").await.is(405, "invalid_message");
}

#[tokio::test]
async fn a_name_is_given_once_whatever_its_case_and_however_many_ask_at_once() {
    let edge = Edge::usual().await;
    let names = ["anna", "Anna", "ANNA", "anna", "aNNa", "anna", "anna", "anna"];
    let clients: Vec<Client> = names.iter().map(|_| edge.client()).collect();
    let answers = join_all(clients.iter().zip(names).map(|(client, name)| register(client, name))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
    answers.iter().filter(|answer| answer.status != 201).for_each(|answer| {
        answer.is(409, "conflict");
        assert_eq!(answer.header("set-cookie"), None);
    });
    let different = ["bob", "carl", "dora", "emil"].map(|name| (edge.client(), name));
    let answers = join_all(different.iter().map(|(client, name)| register(client, name))).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
}

#[tokio::test]
async fn nobody_learns_which_names_exist_from_a_failed_login() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let edge = Edge::start(unlimited()).await;
    let banned = register(&edge.client(), "banned").await.json()["user"]["id"].as_str().unwrap().to_owned();
    edge.directory.disabled.lock().unwrap().insert(banned);
    register(&edge.client(), "anna").await;
    // A user without a password, made from a token.
    edge.known("carl").await;
    let hashes = || -> f64 {
        let text = metrics.render();
        let line = text.lines().find(|line| line.starts_with("hubbub_password_hashes_total")).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let mut bodies = Vec::new();
    for (name, password) in [
        ("anna", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("banned", PASSWORD),
        ("carl", PASSWORD),
        ("carl!", PASSWORD),
        ("", ""),
        ("nul\u{0}", PASSWORD),
        (&"x".repeat(5000), PASSWORD),
        ("anna", &"x".repeat(5000)),
    ] {
        let before = hashes();
        let answer = login(&edge.client(), name, password).await;
        answer.is(401, "unauthorized");
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(hashes() - before, 1.0, "each refusal costs one hash: {name:?}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(login(&edge.client(), "anna", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_name_is_tried_only_so_often_from_one_address() {
    let trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    let accounts =
        AccountOptions { logins_per_minute: 3, logins_per_address: 0, ..AccountOptions::default() };
    let edge = Edge::start(AuthOptions { trusted_proxies, ..with_accounts(accounts) }).await;
    let here = edge.client().header("X-Forwarded-For", "192.0.2.1");
    register(&here, "anna").await;
    for name in ["anna", "ANNA", " anna "] {
        login(&here, name, "wrong horse").await.is(401, "unauthorized");
    }
    let refused = login(&here, "anna", PASSWORD).await;
    refused.is(429, "rate_limited");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(refused.json()["retryAfterMs"].as_u64().unwrap() <= 20_000);
    assert_eq!(login(&here, "bob", PASSWORD).await.status, 401, "another name");
    let there = edge.client().header("X-Forwarded-For", "192.0.2.2");
    assert_eq!(login(&there, "anna", PASSWORD).await.status, 200, "nobody locks another one out");
}

#[tokio::test]
async fn an_address_tries_only_so_often_whatever_it_says_of_itself() {
    let accounts =
        AccountOptions { logins_per_minute: 0, logins_per_address: 3, ..AccountOptions::default() };
    let edge = Edge::start(with_accounts(accounts)).await;
    for (number, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let client = edge.client().header("X-Forwarded-For", &format!("192.0.2.{number}"));
        let (status, code) = if number < 3 { (401, "unauthorized") } else { (429, "rate_limited") };
        login(&client, name, PASSWORD).await.is(status, code);
    }
    for name in ["a", "b", "c"] {
        assert_eq!(register(&edge.client(), name).await.status, 201, "registrations are counted apart");
    }
    register(&edge.client(), "d").await.is(429, "rate_limited");
}

#[tokio::test]
async fn more_logins_than_can_wait_are_sent_away_for_a_moment() {
    let edge = Edge::start(unlimited()).await;
    let clients: Vec<Client> = (0..300).map(|_| edge.client()).collect();
    let answers = join_all(clients.iter().map(|client| login(client, "nobody", PASSWORD))).await;
    let busy: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 401).collect();
    assert!(!busy.is_empty() && busy.len() < answers.len(), "{}", busy.len());
    for answer in busy {
        answer.is(503, "overloaded");
        assert!(answer.header("retry-after").is_some() && answer.json()["retryAfterMs"].is_u64());
    }
}

#[tokio::test]
async fn a_foreign_page_can_neither_log_in_nor_out() {
    let allowed_origins = vec!["https://app.example".to_owned()];
    let edge = Edge::start(AuthOptions { allowed_origins, ..options() }).await;
    register(&edge.client(), "anna").await;
    let own = format!("http://{}", edge.address);
    for (origin, allowed) in [
        (own.as_str(), true),
        ("https://app.example", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let page = edge.client().header("Origin", origin);
        let answers = [
            login(&page, "anna", PASSWORD).await,
            page.post("/api/auth/logout", &json!({})).await,
            page.post("/api/auth/register", &json!({})).await,
        ];
        for (answer, status) in answers.iter().zip([200, 204, 422]) {
            if allowed {
                assert_eq!(answer.status, status, "{origin}: {}", answer.body);
            } else {
                answer.is(403, "forbidden");
                assert_eq!(answer.header("set-cookie"), None);
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_ours_lives_as_long_as_configured_and_says_whose_it_is() {
    let accounts = AccountOptions { login_ttl: Duration::from_secs(3600), ..AccountOptions::default() };
    let strict = AuthOptions {
        issuer: Some("hubbub".to_owned()),
        audience: Some("chat".to_owned()),
        allow_missing_exp: false,
        ..with_accounts(accounts.clone())
    };
    let short = AuthOptions { max_session: Duration::from_secs(60), ..with_accounts(accounts) };
    for (auth, lives, strict) in [(strict, 3600, true), (short, 60, false)] {
        let edge = Edge::start(auth).await;
        let answer = register(&edge.client(), "anna").await;
        let (token, user) = (answer.json()["token"].clone(), answer.json()["user"].clone());
        assert!(answer.header("set-cookie").unwrap().contains(&format!("Max-Age={lives};")));
        let claims = claims(&token);
        assert_eq!((&claims["sub"], &claims["userId"]), (&user["id"], &user["id"]));
        assert_eq!((&claims["username"], &claims["role"]), (&json!("anna"), &json!("user")));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), lives);
        assert_eq!(claims.get("iss"), strict.then_some(&json!("hubbub")));
        assert_eq!(claims.get("aud"), strict.then_some(&json!("chat")));
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        assert_eq!(edge.client().header("Authorization", &bearer).get("/api/me").await.status, 200);
    }
}

#[tokio::test]
async fn where_tokens_come_from_elsewhere_nobody_logs_in_here() {
    let key = EncodingKey::from_ec_pem(include_bytes!("keys/es256.pem")).unwrap();
    let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some("k".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, json!({"keys": [jwk]}).to_string()).unwrap();
    let keys = KeySource::Jwks { location: path.display().to_string(), refresh: Duration::from_secs(60) };
    let edge = Edge::start(AuthOptions::new(keys)).await;
    register(&edge.client(), "anna").await.is(404, "not_found");
    login(&edge.client(), "anna", PASSWORD).await.is(404, "not_found");
    assert_eq!(edge.client().post("/api/auth/logout", &json!({})).await.status, 204);
}

#[tokio::test]
async fn registration_can_be_closed() {
    let accounts = AccountOptions { registration: false, ..AccountOptions::default() };
    let edge = Edge::start(with_accounts(accounts)).await;
    register(&edge.client(), "anna").await.is(403, "forbidden");
    login(&edge.client(), "anna", PASSWORD).await.is(401, "unauthorized");
}

#[tokio::test]
async fn a_user_with_a_good_token_is_made_at_first_sight_and_shown_in_the_tokens_own_type() {
    let edge = Edge::usual().await;
    for (claims, expected) in [
        (json!({"sub": 7, "name": "Seven"}), json!({"id": 7, "username": "Seven", "role": "user"})),
        (json!({"sub": "7", "name": "Seven"}), json!({"id": "7", "username": "Seven", "role": "user"})),
        (
            json!({"userId": "ops", "username": "Ops", "role": "admin"}),
            json!({"id": "ops", "username": "Ops", "role": "admin"}),
        ),
    ] {
        let me = edge.with(&claims).get("/api/me").await;
        assert_eq!((me.status, me.json()), (200, expected));
    }
    edge.client().get("/api/me").await.is(401, "unauthorized");
    edge.with(&json!({"sub": "x", "exp": seconds(-60)})).get("/api/me").await.is(401, "unauthorized");
}

#[tokio::test]
async fn where_nobody_is_made_from_a_token_strangers_stay_out() {
    let accounts = AccountOptions { provision_users: false, ..AccountOptions::default() };
    let edge = Edge::start(with_accounts(accounts)).await;
    for path in ["/api/me", "/api/chats", "/api/rooms/room:a/messages", "/api/rooms/room:a/members"] {
        edge.user("stranger").get(path).await.is(401, "unauthorized");
    }
    let registered = register(&edge.client(), "anna").await.json();
    let bearer = format!("Bearer {}", registered["token"].as_str().unwrap());
    assert_eq!(edge.client().header("Authorization", &bearer).get("/api/me").await.status, 200);
}

#[tokio::test]
async fn a_disabled_user_stays_out_whatever_the_token_says() {
    let accounts = AccountOptions { admission_ttl: Duration::ZERO, ..AccountOptions::default() };
    let edge = Edge::start(with_accounts(accounts)).await;
    let anna = edge.known("anna").await;
    edge.directory.disabled.lock().unwrap().insert("anna".to_owned());
    for path in ["/api/me", "/api/chats", "/api/rooms/room:a/messages"] {
        anna.get(path).await.is(401, "unauthorized");
    }
}

#[tokio::test]
async fn the_directory_is_asked_once_for_many_requests_of_one_user() {
    let edge = Edge::usual().await;
    let anna = edge.user("anna");
    for _ in 0..5 {
        assert_eq!(anna.get("/api/rooms/room:a/messages").await.status, 200);
        assert_eq!(anna.get("/api/me").await.status, 200);
    }
    assert_eq!(edge.directory.admissions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_the_directory_messages_are_still_read_and_the_rest_waits() {
    for silent in [false, true] {
        let edge = Edge::usual().await;
        edge.say("room:a", "bob", "hello").await;
        let failure = if silent { &edge.directory.silent } else { &edge.directory.away };
        failure.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            let page = edge.user("anna").get("/api/rooms/room:a/messages").await;
            assert_eq!((page.status, &page.json()["messages"][0]["message"]), (200, &json!("hello")));
        }
        assert_eq!(edge.directory.admissions.load(Ordering::SeqCst), 1, "an absent directory is left alone");
        if silent {
            continue;
        }
        for path in ["/api/me", "/api/chats", "/api/chats/x", "/api/rooms/chat:x/messages"] {
            let answer = edge.user("anna").get(path).await;
            answer.is(503, "overloaded");
            assert!(answer.header("retry-after").is_some() && answer.json()["retryAfterMs"].is_u64());
        }
        login(&edge.client(), "anna", PASSWORD).await.is(503, "overloaded");
        register(&edge.client(), "anna").await.is(503, "overloaded");
        failure.store(false, Ordering::SeqCst);
        assert_eq!(edge.user("anna").get("/api/me").await.status, 200);
    }
}

#[tokio::test]
async fn a_token_in_a_cookie_does_not_open_the_api_to_foreign_pages() {
    let edge = Edge::usual().await;
    let cookie = format!("token={}", token(&json!({"sub": "anna", "exp": seconds(60)})));
    let page = edge.client().header("Cookie", &cookie).header("Origin", "https://evil.example");
    page.post("/api/chats", &json!({"participantIds": []})).await.is(403, "forbidden");
    page.get("/api/me").await.is(403, "forbidden");
}
