//! A JSON Web Key Set that is read again: at an interval, and once when a token names an unknown key.
//!
//! Owns reading and re-reading. No task of its own: the verification that finds the set too old reads
//! it, the others go on with the old one. Invariant: at most one read runs at a time, each under a
//! deadline, and a set that cannot be read leaves the former one in place.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::Denied;
use super::keys::Key;

/// Reading a set takes no longer than this.
const DEADLINE: Duration = Duration::from_secs(5);
/// Unknown keys cause no more than one read in this time: anybody can invent a `kid`.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(10);
/// Largest set that is read, in bytes.
const LARGEST_SET: usize = 1024 * 1024;
/// Smallest RSA modulus, in bytes (2048 bits: RFC 7518, section 3.3).
const SMALLEST_MODULUS: usize = 256;

/// Why a set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// The file.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The server behind the URL.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// It took too long.
    #[error("no answer in time")]
    Deadline,
    /// It is too large.
    #[error("larger than {LARGEST_SET} bytes")]
    TooLarge,
    /// It is not a key set.
    #[error("not a key set: {0}")]
    NotASet(#[from] serde_json::Error),
    /// It holds no key that we can use.
    #[error("no usable key in it")]
    Empty,
}

type KeySet = HashMap<String, Arc<Key>>;

/// Keys by `kid`, read again as time passes.
pub(super) struct Jwks {
    source: Source,
    refresh: Duration,
    /// Held for a lookup or a swap, never across an await.
    current: RwLock<Arc<KeySet>>,
    /// Held while reading, so that one reads and the others wait or go on.
    reading: Mutex<Reads>,
}

struct Reads {
    /// When the set was last read or tried.
    last: Instant,
    /// When an unknown key last caused a read.
    last_unknown: Option<Instant>,
}

impl Jwks {
    /// Reads the set. A file must be there; a server may be away and is asked again later.
    pub(super) async fn open(location: String, refresh: Duration) -> Result<Self, JwksError> {
        let source = Source::new(location)?;
        let set = match source.read().await {
            Ok(set) => set,
            Err(error) if source.may_be_away() => {
                tracing::warn!(%error, "key set not reachable at start, asking again when a token needs it");
                KeySet::new()
            }
            Err(error) => return Err(error),
        };
        let reading = Mutex::new(Reads { last: Instant::now(), last_unknown: None });
        Ok(Self { source, refresh, current: RwLock::new(Arc::new(set)), reading })
    }

    /// The key called `kid`.
    pub(super) async fn key(&self, kid: &str) -> Result<Arc<Key>, Denied> {
        if let Ok(mut reads) = self.reading.try_lock()
            && reads.last.elapsed() >= self.refresh
        {
            self.read_again(&mut reads).await;
        }
        if let Some(key) = self.find(kid) {
            return Ok(key);
        }
        let mut reads = self.reading.lock().await;
        // Whoever held the lock may have read a set that has it.
        if self.find(kid).is_none()
            && reads.last_unknown.is_none_or(|last| last.elapsed() >= UNKNOWN_KEY_PAUSE)
        {
            reads.last_unknown = Some(Instant::now());
            self.read_again(&mut reads).await;
        }
        self.find(kid).ok_or(Denied::UnknownKey)
    }

    fn find(&self, kid: &str) -> Option<Arc<Key>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    async fn read_again(&self, reads: &mut Reads) {
        reads.last = Instant::now();
        match self.source.read().await {
            Ok(set) => *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set),
            Err(error) => tracing::warn!(%error, "key set not read, going on with the former one"),
        }
    }
}

enum Source {
    File(String),
    Url(String, reqwest::Client),
}

impl Source {
    fn new(location: String) -> Result<Self, JwksError> {
        if !location.starts_with("http://") && !location.starts_with("https://") {
            return Ok(Self::File(location));
        }
        // Only the first call in a process has an effect; the program may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No redirects: a key set comes from where the operator said, and from nowhere else.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self::Url(location, client))
    }

    fn may_be_away(&self) -> bool {
        matches!(self, Self::Url(..))
    }

    async fn read(&self) -> Result<KeySet, JwksError> {
        let bytes = timeout(DEADLINE, self.bytes()).await.map_err(|_| JwksError::Deadline)??;
        parse(&bytes)
    }

    async fn bytes(&self) -> Result<Vec<u8>, JwksError> {
        match self {
            Self::File(path) => Ok(tokio::fs::read(path).await?),
            Self::Url(url, client) => {
                let mut response = client.get(url).send().await?.error_for_status()?;
                let mut body = Vec::new();
                while let Some(chunk) = response.chunk().await? {
                    body.extend_from_slice(&chunk);
                    if body.len() > LARGEST_SET {
                        return Err(JwksError::TooLarge);
                    }
                }
                Ok(body)
            }
        }
    }
}

/// Every key that can be used. Others are left out one by one: a set is often shared with other systems.
fn parse(bytes: &[u8]) -> Result<KeySet, JwksError> {
    #[derive(serde::Deserialize)]
    struct Raw {
        keys: Vec<serde_json::Value>,
    }
    let raw: Raw = serde_json::from_slice(bytes)?;
    let set: KeySet = raw.keys.into_iter().filter_map(usable).collect();
    if set.is_empty() { Err(JwksError::Empty) } else { Ok(set) }
}

fn usable(value: serde_json::Value) -> Option<(String, Arc<Key>)> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let kid = jwk.common.key_id.clone()?;
    let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let algorithm = algorithm(&jwk).filter(|_| signs);
    let Some((algorithm, verify)) = algorithm.zip(DecodingKey::from_jwk(&jwk).ok()) else {
        tracing::warn!(key.id = kid, "key left out: only RS256, ES256 and EdDSA signature keys are used");
        return None;
    };
    Some((kid, Arc::new(Key { algorithm, verify })))
}

/// The one algorithm that a key is for, from its kind; a declared `alg` must agree.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let (algorithm, declared) = match &jwk.algorithm {
        AlgorithmParameters::RSA(key) => {
            let modulus = URL_SAFE_NO_PAD.decode(&key.n).ok()?;
            (modulus.len() >= SMALLEST_MODULUS).then_some((Algorithm::RS256, KeyAlgorithm::RS256))?
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        // Other curves, and shared secrets: one in a published set would let every reader sign.
        _ => return None,
    };
    jwk.common.key_algorithm.is_none_or(|named| named == declared).then_some(algorithm)
}
