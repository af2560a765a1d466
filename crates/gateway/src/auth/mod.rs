//! Who is knocking: tokens, where they stand in a request, and which origins may send a cookie.
//!
//! Owns the verification of tokens and the origin rule. Does not decide what a refused client is
//! shown; doors and the HTTP API do. Invariant: the algorithm comes from our key, never from the token.

mod accounts;
mod admission;
mod arrivals;
mod claims;
mod connect;
mod entry;
mod jwks;
mod keys;
mod limiter;
mod origin;
mod password;
mod places;
mod proxy;
mod recent;
mod sender;
mod tokens;

use std::time::Duration;

use domain::words::{Identity, Timestamp};
use jsonwebtoken::EncodingKey;

pub use accounts::AccountOptions;
pub use admission::Barred;
pub use jwks::JwksError;
pub use keys::{KeySource, SHORTEST_SECRET};
pub use proxy::Network;

pub(crate) use admission::Whence;
pub(crate) use entry::Refused;
pub(crate) use password::Busy;
pub(crate) use places::{BEARER_PROTOCOL, offers_bearer};
pub(crate) use sender::Sender;

use accounts::Accounts;
use arrivals::Arrivals;
use claims::Rules;
use keys::Keys;
use origin::Origins;

/// Everything that decides who may come in.
pub struct AuthOptions {
    /// What tokens are verified with.
    pub keys: KeySource,
    /// Accept a secret below [`SHORTEST_SECRET`] bytes; for embedded use alone.
    pub allow_short_secret: bool,
    /// The cookie that may carry a token.
    pub cookie: String,
    /// Accept tokens without `exp`; they live `max_session`.
    pub allow_missing_exp: bool,
    /// How long a token without `exp` lives.
    pub max_session: Duration,
    /// How far clocks may differ when `exp` and `nbf` are judged.
    pub leeway: Duration,
    /// The only accepted `iss`; then it must be there.
    pub issuer: Option<String>,
    /// The only accepted `aud`; then it must be there.
    pub audience: Option<String>,
    /// Foreign origins whose pages may use a cookie, as `scheme://host[:port]`; also the CORS list.
    pub allowed_origins: Vec<String>,
    /// Peers whose `X-Forwarded-*` headers are believed: addresses or networks such as `10.0.0.0/8`.
    pub trusted_proxies: Vec<String>,
    /// WebSocket and Socket.IO handshakes of one address in a second, ten times as many at once; 0: no limit.
    pub handshakes_per_address: u32,
    /// How accounts are treated.
    pub accounts: AccountOptions,
}

impl AuthOptions {
    /// The documented defaults around the one thing that has none.
    pub fn new(keys: KeySource) -> Self {
        Self {
            keys,
            allow_short_secret: false,
            cookie: "token".to_owned(),
            allow_missing_exp: true,
            max_session: Duration::from_secs(24 * 60 * 60),
            leeway: Duration::from_secs(5),
            issuer: None,
            audience: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            handshakes_per_address: 0,
            accounts: AccountOptions::default(),
        }
    }
}

/// Options that cannot work; found at start, never later.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The shared secret can be guessed.
    #[error("the shared secret has {0} bytes, at least {SHORTEST_SECRET} are needed")]
    ShortSecret(usize),
    /// The key set cannot be read.
    #[error("the key set cannot be read: {0}")]
    Jwks(#[from] JwksError),
    /// Not an origin.
    #[error("not an origin (scheme://host[:port]): {0}")]
    Origin(String),
    /// Not an address or a network.
    #[error("not an address or a network: {0}")]
    Network(String),
    /// Not a cookie's name.
    #[error("not a cookie's name: {0}")]
    Cookie(String),
}

/// Why a token is refused. For logs and metrics; clients learn only that it is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No place held anything.
    #[error("missing")]
    Missing,
    /// Not a token at all.
    #[error("malformed")]
    Malformed,
    /// `alg` is none, unknown, or not the one that the key is for.
    #[error("wrong_algorithm")]
    WrongAlgorithm,
    /// No key has its `kid`.
    #[error("unknown_key")]
    UnknownKey,
    /// The signature is not by the key.
    #[error("bad_signature")]
    BadSignature,
    /// Its time has passed.
    #[error("expired")]
    Expired,
    /// Its time has not come.
    #[error("not_yet_valid")]
    NotYetValid,
    /// It has no `exp`, and one is asked for.
    #[error("missing_exp")]
    MissingExp,
    /// Not from our issuer.
    #[error("wrong_issuer")]
    WrongIssuer,
    /// Not for us.
    #[error("wrong_audience")]
    WrongAudience,
    /// A claim that breaks its rule; which one.
    #[error("bad_claim_{0}")]
    BadClaim(&'static str),
}

impl Denied {
    /// The reason as one word for a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing_token",
            Self::Malformed => "malformed_token",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired_token",
            Self::NotYetValid => "not_yet_valid",
            Self::MissingExp => "missing_exp",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::BadClaim(_) => "bad_claim",
        }
    }
}

/// Longest token that is looked at, in bytes; above it no cryptography is done.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Verifies tokens, and signs those of users who log in by name.
pub struct Authenticator {
    keys: Keys,
    /// Only where the secret is shared; a key set has public keys alone.
    signer: Option<EncodingKey>,
    rules: Rules,
    cookie: String,
    origins: Origins,
    proxies: Vec<Network>,
    arrivals: Arrivals,
    accounts: Accounts,
}

impl Authenticator {
    /// Reads the keys and checks the options. A key set behind a URL may be away now: it is fetched
    /// again when the first token needs it.
    pub async fn open(options: AuthOptions) -> Result<Self, AuthError> {
        let origins = Origins::parse(&options.allowed_origins)?;
        let proxies = options.trusted_proxies.iter().map(|text| Network::parse(text));
        let proxies = proxies.collect::<Result<Vec<_>, _>>()?;
        let rules = Rules {
            allow_missing_exp: options.allow_missing_exp,
            max_session: options.max_session,
            leeway: options.leeway,
            issuer: options.issuer,
            audience: options.audience,
        };
        let cookie = sender::cookie_name(options.cookie)?;
        let signer = match &options.keys {
            KeySource::Secret(secret) => Some(EncodingKey::from_secret(secret)),
            KeySource::Jwks { .. } => None,
        };
        let keys = Keys::open(options.keys, options.allow_short_secret).await?;
        let arrivals = Arrivals::new(options.handshakes_per_address);
        let accounts = Accounts::new(options.accounts);
        Ok(Self { keys, signer, rules, cookie, origins, proxies, arrivals, accounts })
    }

    /// Whose token this is. May re-read the key set, under a deadline.
    pub async fn verify(&self, token: &str) -> Result<Identity, Denied> {
        if token.len() > LONGEST_TOKEN {
            return Err(Denied::Malformed);
        }
        let header = keys::header(token)?;
        let key = self.keys.of(&header).await?;
        let claims = key.open(token, &self.rules)?;
        self.rules.identity(&claims, Timestamp::now())
    }

    /// What logging in by name needs.
    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Whether pages of this origin may read our answers.
    pub(crate) fn lists_origin(&self, origin: &str) -> bool {
        self.origins.lists(origin)
    }
}
