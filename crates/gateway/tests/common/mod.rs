//! What the edge's tests share: keys that exist for these tests alone, and tokens made with them.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod edge;
pub(crate) mod log;
pub(crate) mod world;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway::{AuthOptions, KeySource};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// The shared secret of these tests.
pub(crate) const SECRET: &[u8] = b"a secret of these tests, 32 bytes and more";

/// Everything that a test waits for must happen within this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits under a timeout.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}

/// Seconds since 1970, moved by `offset`.
pub(crate) fn seconds(offset: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + offset
}

/// A private key with its name.
pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    pub(crate) algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    pub(crate) fn es256(kid: &'static str) -> Self {
        let key = EncodingKey::from_ec_pem(include_bytes!("../keys/es256.pem")).unwrap();
        Self { kid, algorithm: Algorithm::ES256, key }
    }

    pub(crate) fn eddsa(kid: &'static str) -> Self {
        let key = EncodingKey::from_ed_pem(include_bytes!("../keys/eddsa.pem")).unwrap();
        Self { kid, algorithm: Algorithm::EdDSA, key }
    }

    pub(crate) fn rs256(kid: &'static str) -> Self {
        let key = EncodingKey::from_rsa_pem(include_bytes!("../keys/rs256.pem")).unwrap();
        Self { kid, algorithm: Algorithm::RS256, key }
    }

    /// A token under another algorithm of the same family than the key is for.
    pub(crate) fn sign_as(&self, algorithm: Algorithm, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(self.algorithm, claims)
    }

    /// The public half as an entry of a key set.
    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }
}

/// A key set of these keys.
pub(crate) fn key_set(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| signer.public()).collect::<Vec<_>>()}).to_string()
}

/// A token under the shared secret.
pub(crate) fn hs256(claims: &Value) -> String {
    hmac(Algorithm::HS256, SECRET, claims)
}

/// A token under any HMAC and any secret.
pub(crate) fn hmac(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
}

/// Three parts from raw JSON, with whatever stands for a signature.
pub(crate) fn raw_token(header: &Value, claims: &Value, signature: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    format!("{}.{}.{signature}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

/// Options around the shared secret.
pub(crate) fn secret_options() -> AuthOptions {
    AuthOptions::new(KeySource::Secret(SECRET.to_vec()))
}
