//! Tokens for tests: good ones, and bad ones of every kind.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::SECRET;

/// Seconds since 1970, moved by `offset`.
pub(crate) fn seconds(offset: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("this machine's clock is past 1970");
    i64::try_from(now.as_secs()).expect("seconds fit") + offset
}

/// A good token of this user.
pub(crate) fn of(user: &str) -> String {
    signed(&json!({ "sub": user, "exp": seconds(3600) }))
}

/// These claims under the deployment's secret.
pub(crate) fn signed(claims: &Value) -> String {
    signed_by(SECRET, Algorithm::HS256, claims)
}

/// These claims under any shared secret and algorithm of that family.
pub(crate) fn signed_by(secret: &str, algorithm: Algorithm, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(algorithm), claims, &key).expect("a shared secret signs any claims")
}

/// A header of any content over good claims, correctly signed with HS256: what a forger would try.
pub(crate) fn with_header(header: &Value, user: &str) -> String {
    let claims = json!({ "sub": user, "exp": seconds(3600) });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(&claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = sign(signed.as_bytes(), &key, Algorithm::HS256).expect("a shared secret signs anything");
    format!("{signed}.{signature}")
}
