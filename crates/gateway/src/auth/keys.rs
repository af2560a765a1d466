//! Keys, each bound to the one algorithm that it may verify.
//!
//! Owns the choice of a key for a token. Invariant: a token names a key at most; the algorithm is
//! the key's, so neither `alg: none` nor a public key used as a shared secret gets anywhere.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};

use super::claims::{Claims, Rules};
use super::jwks::Jwks;
use super::{AuthError, Denied};

/// Fewest bytes of a shared secret: the size of the HMAC's own output (RFC 7518, section 3.2).
pub const SHORTEST_SECRET: usize = 32;

/// What tokens are verified with.
pub enum KeySource {
    /// One shared secret, HS256.
    Secret(Vec<u8>),
    /// A JSON Web Key Set: RS256, ES256 and EdDSA by `kid`.
    Jwks {
        /// A file's path, or an `http://` or `https://` URL.
        location: String,
        /// How long a set is used before it is read again.
        refresh: Duration,
    },
}

/// The verifying side of the configured source.
pub(super) enum Keys {
    /// The same for every token.
    Secret(Arc<Key>),
    /// One of a set.
    Jwks(Jwks),
}

impl Keys {
    pub(super) async fn open(source: KeySource, allow_short: bool) -> Result<Self, AuthError> {
        match source {
            KeySource::Secret(secret)
                if secret.is_empty() || (secret.len() < SHORTEST_SECRET && !allow_short) =>
            {
                Err(AuthError::ShortSecret(secret.len()))
            }
            KeySource::Secret(secret) => {
                let key = Key { algorithm: Algorithm::HS256, verify: DecodingKey::from_secret(&secret) };
                Ok(Self::Secret(Arc::new(key)))
            }
            KeySource::Jwks { location, refresh } => Ok(Self::Jwks(Jwks::open(location, refresh).await?)),
        }
    }

    /// The key for a token with this header.
    pub(super) async fn of(&self, header: &Header) -> Result<Arc<Key>, Denied> {
        match self {
            Self::Secret(key) => Ok(Arc::clone(key)),
            Self::Jwks(set) => set.key(header.kid.as_deref().ok_or(Denied::UnknownKey)?).await,
        }
    }
}

/// A key and the only algorithm that it is for.
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) verify: DecodingKey,
}

impl Key {
    /// The claims of a token that this key signed and that is valid now.
    pub(super) fn open(&self, token: &str, rules: &Rules) -> Result<Claims, Denied> {
        decode::<Claims>(token, &self.verify, &validation(self.algorithm, rules))
            .map(|token| token.claims)
            .map_err(|error| denied(error.kind()))
    }
}

fn validation(algorithm: Algorithm, rules: &Rules) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = rules.leeway.as_secs();
    validation.validate_nbf = true;
    let mut required = Vec::new();
    if !rules.allow_missing_exp {
        required.push("exp");
    }
    if let Some(issuer) = &rules.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    match &rules.audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        // Without a configured audience every audience is ours; the library would refuse them all.
        None => validation.validate_aud = false,
    }
    validation.set_required_spec_claims(&required);
    validation
}

fn denied(kind: &ErrorKind) -> Denied {
    match kind {
        ErrorKind::InvalidSignature => Denied::BadSignature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => Denied::WrongAlgorithm,
        ErrorKind::ExpiredSignature => Denied::Expired,
        ErrorKind::ImmatureSignature => Denied::NotYetValid,
        ErrorKind::InvalidIssuer => Denied::WrongIssuer,
        ErrorKind::InvalidAudience => Denied::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "exp" => Denied::MissingExp,
            "iss" => Denied::WrongIssuer,
            "aud" => Denied::WrongAudience,
            _ => Denied::Malformed,
        },
        // The library's enum is open; whatever else it says, this is no token of ours.
        _ => Denied::Malformed,
    }
}

/// A token's header. Critical extensions are refused, since we know none (RFC 7515, section 4.1.11).
pub(super) fn header(token: &str) -> Result<Header, Denied> {
    let header = decode_header(token).map_err(|error| match error.kind() {
        ErrorKind::Json(_) if names_an_algorithm(token) => Denied::WrongAlgorithm,
        ErrorKind::InvalidAlgorithmName => Denied::WrongAlgorithm,
        _ => Denied::Malformed,
    })?;
    if header.crit.is_some() {
        return Err(Denied::Malformed);
    }
    Ok(header)
}

/// Whether an unreadable header has an `alg`, which then is one that nobody knows, such as `none`.
fn names_an_algorithm(token: &str) -> bool {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let head = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    head.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .is_some_and(|header| header["alg"].is_string())
}
