//! Mints the clients' tokens: HS256 over the shared secret, one user per connection.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

/// Longer than any run; servers that insist on an expiry get one.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

#[derive(Serialize)]
struct Claims {
    sub: String,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    exp: u64,
}

/// The token of one user.
pub(crate) fn mint(secret: &str, user: usize) -> Result<String, jsonwebtoken::errors::Error> {
    sign(secret, format!("u{user}"), format!("user-{user}"), None)
}

/// The token of a backend, which may create events.
pub(crate) fn mint_service(secret: &str) -> Result<String, jsonwebtoken::errors::Error> {
    sign(secret, "swarm".into(), "swarm".into(), Some("service"))
}

fn sign(
    secret: &str,
    sub: String,
    username: String,
    role: Option<&'static str>,
) -> Result<String, jsonwebtoken::errors::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = Claims { sub, username, role, exp: (now + LIFETIME).as_secs() };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
}
