//! Tokens of our own, for those who log in by name.
//!
//! Invariant: what is signed here is accepted by every node that has the same secret and rules.

use std::time::Duration;

use domain::words::{Account, Timestamp, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Authenticator;

/// A token that was just signed.
pub(crate) struct Issued {
    /// The token.
    pub(crate) token: String,
    /// How long it lives, in whole seconds.
    pub(crate) lives: Duration,
}

impl Authenticator {
    /// Whether there is anything to sign with: key sets hold public keys alone.
    pub(crate) fn signs(&self) -> bool {
        self.signer.is_some()
    }

    /// A token for this account; `None`: there is nothing to sign with.
    pub(crate) fn issue(&self, account: &Account) -> Option<Issued> {
        let signer = self.signer.as_ref()?;
        let lives = self.accounts.options.login_ttl.min(self.rules.max_session).as_secs().max(1);
        let now = Timestamp::now().0 / 1000;
        let mut claims = json!({
            "sub": account.user.as_str(),
            "userId": user(&account.user),
            "username": &*account.name,
            "role": account.role.as_str(),
            "jti": Uuid::new_v4().to_string(),
            "iat": now,
            "exp": now.saturating_add_unsigned(lives),
        });
        for (claim, value) in [("iss", &self.rules.issuer), ("aud", &self.rules.audience)] {
            if let Some(value) = value {
                claims[claim] = json!(value);
            }
        }
        Some(Issued { token: sign(&claims, signer), lives: Duration::from_secs(lives) })
    }
}

fn sign(claims: &Value, key: &EncodingKey) -> String {
    encode(&Header::new(Algorithm::HS256), claims, key).expect("an HMAC over a JSON object always succeeds")
}

/// In the type of the account's id.
fn user(user: &UserId) -> Value {
    match user.as_str().parse::<i64>() {
        Ok(number) if user.is_numeric() => json!(number),
        Ok(_) | Err(_) => json!(user.as_str()),
    }
}
