//! Which tokens are let in: a shared secret, and key sets that change while we run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use common::{Signer, hmac, hs256, key_set, raw_token, seconds, secret_options, within};
use gateway::{AcceptOptions, AuthError, AuthOptions, Authenticator, Denied, KeySource};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn anna(exp: i64) -> Value {
    json!({"sub": "anna", "exp": seconds(exp)})
}

async fn outcome(authenticator: &Authenticator, token: &str) -> Result<String, Denied> {
    authenticator.verify(token).await.map(|identity| identity.user.as_str().to_owned())
}

async fn jwks(location: &str, refresh: Duration) -> Authenticator {
    let keys = KeySource::Jwks { location: location.to_owned(), refresh };
    Authenticator::open(AuthOptions::new(keys)).await.unwrap()
}

const SELDOM: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_token_under_the_shared_secret_is_let_in_whatever_its_kid() {
    let authenticator = Authenticator::open(secret_options()).await.unwrap();
    for claims in [
        anna(60),
        json!({"sub": "anna"}),
        // Within the leeway of five seconds.
        anna(-2),
        json!({"sub": "anna", "exp": seconds(60), "nbf": seconds(2)}),
        json!({"sub": "anna", "aud": "somebody", "iss": "anybody"}),
    ] {
        assert_eq!(outcome(&authenticator, &hs256(&claims)).await, Ok("anna".to_owned()), "{claims}");
    }
    let header = jsonwebtoken::Header { kid: Some("whatever".to_owned()), ..Default::default() };
    let key = jsonwebtoken::EncodingKey::from_secret(common::SECRET);
    let named = jsonwebtoken::encode(&header, &anna(60), &key).unwrap();
    assert_eq!(outcome(&authenticator, &named).await, Ok("anna".to_owned()));
}

#[tokio::test]
async fn every_bad_token_under_a_shared_secret_is_refused_for_its_own_reason() {
    let authenticator = Authenticator::open(secret_options()).await.unwrap();
    let good = hs256(&anna(60));
    let (message, _) = good.rsplit_once('.').unwrap();
    let crit = json!({"alg": "HS256", "crit": ["b64"], "b64": false});
    for (token, reason) in [
        (String::new(), Denied::Malformed),
        ("a.b.c".to_owned(), Denied::Malformed),
        ("nonsense".to_owned(), Denied::Malformed),
        (format!("{message}."), Denied::BadSignature),
        (format!("{message}.AAAA"), Denied::BadSignature),
        (hmac(Algorithm::HS256, b"another secret of 32 bytes or more", &anna(60)), Denied::BadSignature),
        (hmac(Algorithm::HS512, common::SECRET, &anna(60)), Denied::WrongAlgorithm),
        (raw_token(&json!({"alg": "none"}), &anna(60), ""), Denied::WrongAlgorithm),
        (raw_token(&json!({"alg": "None"}), &anna(60), ""), Denied::WrongAlgorithm),
        (raw_token(&json!({"typ": "JWT"}), &anna(60), ""), Denied::Malformed),
        (raw_token(&crit, &anna(60), "AAAA"), Denied::Malformed),
        (Signer::es256("a").sign(&anna(60)), Denied::WrongAlgorithm),
        (Signer::rs256("a").sign(&anna(60)), Denied::WrongAlgorithm),
        (hs256(&anna(-10)), Denied::Expired),
        (hs256(&json!({"sub": "anna", "nbf": seconds(60)})), Denied::NotYetValid),
        (hs256(&json!({"sub": "anna", "exp": "tomorrow"})), Denied::Malformed),
        (hs256(&json!({"name": "nobody"})), Denied::BadClaim("sub")),
        (hs256(&json!({"sub": "anna", "role": "root"})), Denied::BadClaim("role")),
        (hs256(&json!({"sub": "anna", "x": "y".repeat(20_000)})), Denied::Malformed),
    ] {
        assert_eq!(outcome(&authenticator, &token).await, Err(reason), "{token:.80}");
    }
}

#[tokio::test]
async fn a_token_without_an_end_is_refused_where_none_is_allowed() {
    let options = AuthOptions { allow_missing_exp: false, ..secret_options() };
    let authenticator = Authenticator::open(options).await.unwrap();
    assert_eq!(outcome(&authenticator, &hs256(&json!({"sub": "anna"}))).await, Err(Denied::MissingExp));
    assert_eq!(outcome(&authenticator, &hs256(&anna(60))).await, Ok("anna".to_owned()));
}

#[tokio::test]
async fn a_configured_issuer_and_audience_must_be_there_and_fit() {
    let options = AuthOptions {
        issuer: Some("https://id.example".to_owned()),
        audience: Some("chat".to_owned()),
        ..secret_options()
    };
    let authenticator = Authenticator::open(options).await.unwrap();
    let ours = "https://id.example";
    for (claims, expected) in [
        (json!({"sub": "anna", "iss": ours, "aud": "chat"}), Ok("anna".to_owned())),
        (json!({"sub": "anna", "iss": ours, "aud": ["shop", "chat"]}), Ok("anna".to_owned())),
        (json!({"sub": "anna", "iss": "https://evil.example", "aud": "chat"}), Err(Denied::WrongIssuer)),
        (json!({"sub": "anna", "aud": "chat"}), Err(Denied::WrongIssuer)),
        (json!({"sub": "anna", "iss": ours, "aud": "shop"}), Err(Denied::WrongAudience)),
        (json!({"sub": "anna", "iss": ours}), Err(Denied::WrongAudience)),
    ] {
        assert_eq!(outcome(&authenticator, &hs256(&claims)).await, expected, "{claims}");
    }
}

#[tokio::test]
async fn options_that_cannot_work_are_refused_at_start() {
    let short = AuthOptions::new(KeySource::Secret(b"short".to_vec()));
    assert!(matches!(Authenticator::open(short).await, Err(AuthError::ShortSecret(5))));
    let embedded =
        AuthOptions { allow_short_secret: true, ..AuthOptions::new(KeySource::Secret(b"short".to_vec())) };
    assert!(Authenticator::open(embedded).await.is_ok());
    let origins = AuthOptions { allowed_origins: vec!["app.example".to_owned()], ..secret_options() };
    assert!(matches!(Authenticator::open(origins).await, Err(AuthError::Origin(_))));
    let proxies = AuthOptions { trusted_proxies: vec!["10.0.0.0/40".to_owned()], ..secret_options() };
    assert!(matches!(Authenticator::open(proxies).await, Err(AuthError::Network(_))));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    for content in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}"#] {
        std::fs::write(&file, content).unwrap();
        let location = file.to_str().unwrap().to_owned();
        let options = AuthOptions::new(KeySource::Jwks { location, refresh: SELDOM });
        assert!(matches!(Authenticator::open(options).await, Err(AuthError::Jwks(_))), "{content}");
    }
}

#[tokio::test]
async fn each_key_of_a_set_verifies_its_own_tokens_under_its_own_algorithm_alone() {
    let (es, ed, rs) = (Signer::es256("es"), Signer::eddsa("ed"), Signer::rs256("rs"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, key_set(&[&es, &ed, &rs])).unwrap();
    let authenticator = jwks(file.to_str().unwrap(), SELDOM).await;
    for signer in [&es, &ed, &rs] {
        assert_eq!(
            outcome(&authenticator, &signer.sign(&anna(60))).await,
            Ok("anna".to_owned()),
            "{}",
            signer.kid
        );
    }
    let public = rs.public()["n"].as_str().unwrap().to_owned();
    let confused = {
        let header = jsonwebtoken::Header { kid: Some("rs".to_owned()), ..Default::default() };
        let key = jsonwebtoken::EncodingKey::from_secret(public.as_bytes());
        jsonwebtoken::encode(&header, &anna(60), &key).unwrap()
    };
    for (token, reason) in [
        (confused, Denied::WrongAlgorithm),
        (rs.sign_as(Algorithm::RS512, &anna(60)), Denied::WrongAlgorithm),
        (rs.sign_as(Algorithm::PS256, &anna(60)), Denied::WrongAlgorithm),
        (Signer::es256("rs").sign(&anna(60)), Denied::WrongAlgorithm),
        (Signer::es256("nobody").sign(&anna(60)), Denied::UnknownKey),
        (hs256(&anna(60)), Denied::UnknownKey),
        (raw_token(&json!({"alg": "none", "kid": "es"}), &anna(60), ""), Denied::WrongAlgorithm),
        (es.sign(&anna(-10)), Denied::Expired),
        (
            es.sign(&anna(60)).rsplit_once('.').map(|(m, _)| format!("{m}.{}", "A".repeat(86))).unwrap(),
            Denied::BadSignature,
        ),
    ] {
        assert_eq!(outcome(&authenticator, &token).await, Err(reason), "{token:.80}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_left_out_of_the_set() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let good = Signer::es256("good");
    let mut encrypts = Signer::rs256("encrypts").public();
    encrypts["use"] = json!("enc");
    let mut other = Signer::rs256("other").public();
    other["alg"] = json!("RS512");
    let mut weak = Signer::rs256("weak").public();
    weak["n"] = json!(&weak["n"].as_str().unwrap()[..170]);
    let mut unknown = good.public();
    unknown["kty"] = json!("QUANTUM");
    unknown["kid"] = json!("unknown");
    let set = json!({"keys": [encrypts, other, weak, unknown, 7, good.public()]});
    std::fs::write(&file, set.to_string()).unwrap();
    let authenticator = jwks(file.to_str().unwrap(), SELDOM).await;
    assert_eq!(outcome(&authenticator, &good.sign(&anna(60))).await, Ok("anna".to_owned()));
    for kid in ["encrypts", "other", "weak"] {
        let token = Signer::rs256(kid).sign(&anna(60));
        assert_eq!(outcome(&authenticator, &token).await, Err(Denied::UnknownKey), "{kid}");
    }
}

#[tokio::test]
async fn a_key_set_rotated_on_disk_is_read_when_a_token_names_a_new_key() {
    let (old, new) = (Signer::es256("old"), Signer::eddsa("new"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, key_set(&[&old])).unwrap();
    let authenticator = jwks(file.to_str().unwrap(), SELDOM).await;
    assert_eq!(outcome(&authenticator, &old.sign(&anna(60))).await, Ok("anna".to_owned()));
    std::fs::write(&file, key_set(&[&new])).unwrap();
    assert_eq!(outcome(&authenticator, &new.sign(&anna(60))).await, Ok("anna".to_owned()));
    assert_eq!(outcome(&authenticator, &old.sign(&anna(60))).await, Err(Denied::UnknownKey));
}

#[tokio::test]
async fn a_key_taken_out_of_the_set_is_refused_after_the_interval() {
    let (old, new) = (Signer::es256("old"), Signer::eddsa("new"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, key_set(&[&old, &new])).unwrap();
    let authenticator = jwks(file.to_str().unwrap(), Duration::ZERO).await;
    assert_eq!(outcome(&authenticator, &old.sign(&anna(60))).await, Ok("anna".to_owned()));
    std::fs::write(&file, key_set(&[&new])).unwrap();
    assert_eq!(outcome(&authenticator, &old.sign(&anna(60))).await, Err(Denied::UnknownKey));
    // A set that is damaged or gone leaves the former one in place.
    std::fs::write(&file, "{").unwrap();
    assert_eq!(outcome(&authenticator, &new.sign(&anna(60))).await, Ok("anna".to_owned()));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(outcome(&authenticator, &new.sign(&anna(60))).await, Ok("anna".to_owned()));
}

/// A key server that counts how often it was asked.
struct KeyServer {
    location: String,
    set: Arc<std::sync::Mutex<String>>,
    asked: Arc<AtomicUsize>,
    _stop: tokio_util::sync::DropGuard,
}

impl KeyServer {
    async fn start(set: String) -> Self {
        let (set, asked) = (Arc::new(std::sync::Mutex::new(set)), Arc::new(AtomicUsize::new(0)));
        let router = Router::new()
            .route("/keys", get(|State((set, asked)): State<(Arc<std::sync::Mutex<String>>, Arc<AtomicUsize>)>| async move {
                asked.fetch_add(1, Ordering::SeqCst);
                set.lock().unwrap().clone()
            }))
            .with_state((set.clone(), asked.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let location = format!("http://{}/keys", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(gateway::run(listener, router, AcceptOptions::default(), stop.clone()));
        Self { location, set, asked, _stop: stop.drop_guard() }
    }
}

#[tokio::test]
async fn a_key_set_behind_a_url_is_fetched_again_for_a_new_key_but_not_for_every_invented_one() {
    let (old, new) = (Signer::es256("old"), Signer::rs256("new"));
    let server = KeyServer::start(key_set(&[&old])).await;
    let authenticator = jwks(&server.location, SELDOM).await;
    within(async {
        assert_eq!(outcome(&authenticator, &old.sign(&anna(60))).await, Ok("anna".to_owned()));
        *server.set.lock().unwrap() = key_set(&[&old, &new]);
        assert_eq!(outcome(&authenticator, &new.sign(&anna(60))).await, Ok("anna".to_owned()));
        assert_eq!(server.asked.load(Ordering::SeqCst), 2, "at start, and for the new key");
        for _ in 0..50 {
            let invented = Signer::es256("invented").sign(&anna(60));
            assert_eq!(outcome(&authenticator, &invented).await, Err(Denied::UnknownKey));
        }
        assert_eq!(server.asked.load(Ordering::SeqCst), 2, "invented keys cause no more");
    })
    .await;
}

#[tokio::test]
async fn a_key_server_that_is_away_at_start_is_asked_when_the_first_token_comes() {
    let signer = Signer::es256("a");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let authenticator = within(jwks(&format!("http://{address}/keys"), SELDOM)).await;
    let set = key_set(&[&signer]);
    let router = Router::new().route("/keys", get(move || async move { set }));
    let stop = CancellationToken::new();
    let listener = TcpListener::bind(address).await.unwrap();
    let server = tokio::spawn(gateway::run(listener, router, AcceptOptions::default(), stop.clone()));
    assert_eq!(within(outcome(&authenticator, &signer.sign(&anna(60)))).await, Ok("anna".to_owned()));
    stop.cancel();
    within(server).await.unwrap();
}
