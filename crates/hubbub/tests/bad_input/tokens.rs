//! Tokens that are missing, bad, or come to their end.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::Pair;
use super::support::client::{Client, End};
use super::support::dev::Dev;
use super::support::token::{self, seconds, signed, signed_by, with_header};
use super::{fresh, support};

const REQUIRED: &str = "Authentication token required";
const INVALID: &str = "Invalid authentication token";

/// The upgrade is completed, and the only thing that comes is the end.
async fn is_closed_with_1008(port: u16, path: &str, words: &str) {
    let mut client = Client::connect(port, path).await;
    let (frames, end) = client.end().await;
    assert!(frames.is_empty(), "{path} {frames:?}");
    assert_eq!(end, End::Closed(1008, words.to_owned()), "{path}");
}

#[tokio::test]
async fn without_a_token_the_door_closes_with_1008() {
    let mut pair = Pair::apart().await;
    let port = super::gateways().await.gateways[0].public;
    for path in ["/", "/?token=", "/?tokens=abc"] {
        is_closed_with_1008(port, path, REQUIRED).await;
        pair.bystander_goes_on().await;
    }
}

#[tokio::test]
async fn a_bad_expired_or_forged_token_is_closed_with_1008() {
    let good = token::of("anna");
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let other = signed(&json!({ "sub": "berta", "exp": seconds(3600) }));
    let tampered = format!("{head}.{}.{signature}", other.split('.').nth(1).unwrap());
    let unsigned = with_header(&json!({ "alg": "none" }), "anna");
    let claimed = json!({ "sub": "anna", "exp": seconds(3600) });
    let bad = [
        "nonsense".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(4000),
        format!("{head}.{claims}."),
        tampered,
        // Signed by somebody else, or long ago, or not valid yet.
        signed_by("another secret of at least thirty-two bytes", Algorithm::HS256, &claimed),
        signed(&json!({ "sub": "anna", "exp": seconds(-60) })),
        signed(&json!({ "sub": "anna", "exp": "tomorrow" })),
        signed(&json!({ "sub": "anna", "exp": seconds(3600), "nbf": seconds(600) })),
        // A wrong algorithm, with the right secret where it has one.
        signed_by(support::SECRET, Algorithm::HS384, &claimed),
        signed_by(support::SECRET, Algorithm::HS512, &claimed),
        with_header(&json!({ "alg": "RS256", "typ": "JWT" }), "anna"),
        with_header(&json!({ "alg": "ES256", "kid": "x" }), "anna"),
        unsigned.rsplit_once('.').unwrap().0.to_owned() + ".",
        unsigned,
        with_header(&json!({ "typ": "JWT" }), "anna"),
        // Nobody.
        signed(&json!({ "exp": seconds(3600) })),
        signed(&json!({ "sub": "", "exp": seconds(3600) })),
        signed(&json!({ "sub": "x".repeat(129), "exp": seconds(3600) })),
        signed(&json!({ "userId": 1.5, "sub": "anna", "exp": seconds(3600) })),
        signed(&json!({ "userId": [], "exp": seconds(3600) })),
    ];
    let mut pair = Pair::apart().await;
    let port = super::gateways().await.gateways[0].public;
    for token in bad {
        is_closed_with_1008(port, &format!("/?token={token}"), INVALID).await;
    }
    pair.both_go_on().await;
}

#[tokio::test]
async fn a_connection_ends_with_its_token() {
    let dev = Dev::start(&["auth.leeway=0s"]).await;
    let mut pair = Pair::on(dev.public(), dev.public()).await;
    let short = signed(&json!({ "sub": fresh("guest"), "exp": seconds(2) }));
    let mut guest = Client::connect(dev.public(), &format!("/?token={short}")).await;
    guest.join(&pair.room).await;
    let (mut frames, end) = guest.end().await;
    assert_eq!(end, End::Closed(4401, "token_expired".to_owned()));
    let error = frames.pop().unwrap();
    assert!(frames.is_empty() && error["code"] == "token_expired", "{frames:?} {error}");
    pair.both_go_on().await;
    // The second in which it ends is the last one in which it is let in, and then sent away with 4401 again.
    let path = format!("/?token={short}");
    while Client::connect(dev.public(), &path).await.end().await.1 != End::Closed(1008, INVALID.to_owned()) {}
}
