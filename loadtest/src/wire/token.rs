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
    exp: u64,
}

pub(crate) fn mint(secret: &str, user: usize) -> Result<String, jsonwebtoken::errors::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims =
        Claims { sub: format!("u{user}"), username: format!("user-{user}"), exp: (now + LIFETIME).as_secs() };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
}
