//! `Idempotency-Key`: a request that is sent again is done once, and answered as the first time.
//!
//! Owns what is remembered of a request under its sender's key, and for how long. Invariant: of the request itself only a
//! digest is kept, and a refusal never: whoever was refused may try again under the same key.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use domain::ports::{Notes, PortError};
use domain::words::{ClientId, Code, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};
use utoipa::IntoParams;

use super::away;
use crate::gateway::Gateway;
use crate::problem::Problem;

/// The header.
const HEADER: &str = "idempotency-key";
/// How long an answer is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// How long a key stays taken by a request that has not been answered. Every step behind one has a deadline of a few
/// seconds: whoever holds a key longer is no more.
const TAKEN: Duration = Duration::from_secs(60);
/// How long a repeat waits for the first one's answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between two looks of a repeat that waits.
const PAUSE: Duration = Duration::from_millis(50);

/// The header, for the description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "a shape for the document")]
pub(super) struct KeyHeader {
    /// The client's own name for the request. The same key and body of the same user gives the first answer again, for
    /// 24 hours; another body is 409 `conflict`.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = r"^[!-~]{1,255}$",
        nullable = false
    )]
    idempotency_key: Option<String>,
}

/// The key of a request, if it has one.
#[derive(Debug)]
pub(super) struct Key(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let legal =
            |key: &&str| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        match value.to_str().ok().filter(legal) {
            Some(key) if values.next().is_none() => Ok(Self(Some(key.to_owned()))),
            Some(_) | None => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                Code::InvalidMessage.as_str(),
                "Idempotency-Key has 1 to 255 visible ASCII characters, and stands there once",
            )),
        }
    }
}

impl Key {
    /// What this user asks for under the key; `None`: there is no key. `deed` says all that the answer depends on.
    pub(super) fn of(self, by: &UserId, deed: &str) -> Option<Errand> {
        let key = self.0?;
        Some(Errand {
            note: format!("once:{}", digest(&[by.as_str(), &key])),
            digest: digest(&[by.as_str(), &key, deed]),
        })
    }
}

/// None of the parts but the last contains NUL, so no two lists of them are one text.
fn digest(parts: &[&str]) -> String {
    BASE64.encode(Sha256::digest(parts.join("\0")))
}

/// One request under its sender's key.
#[derive(Debug)]
pub(super) struct Errand {
    /// Where it is remembered.
    note: String,
    /// What it was.
    digest: String,
}

/// An answer that can be given again. What it says must not need to be sealed: it is remembered as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Answer {
    status: u16,
    body: Option<Value>,
}

impl Answer {
    /// An answer with a body.
    pub(super) fn new(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_value(body).expect("texts, numbers and lists always encode");
        Self { status: status.as_u16(), body: Some(body) }
    }

    /// 204.
    pub(super) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT.as_u16(), body: None }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self.body {
            Some(body) => (status, [json], body.to_string()).into_response(),
            None => status.into_response(),
        }
    }
}

/// What lies under a key.
#[derive(Serialize, Deserialize)]
struct Memory {
    digest: String,
    /// `None`: the request is under way.
    answer: Option<Answer>,
}

/// Does it, unless the same was done under the same key. Without a key it is simply done.
pub(super) async fn once<F>(
    gateway: &Arc<Gateway>,
    errand: Option<Errand>,
    deed: F,
) -> Result<Answer, Problem>
where
    F: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let Some(errand) = errand else { return deed.await };
    let notes = gateway.node.notes().clone();
    if let Some(first) = errand.begin(&*notes).await? {
        return Ok(first);
    }
    // In a task of its own: a client that goes away must leave neither the deed half done nor its key taken. It ends by
    // itself, since each of its steps has a deadline.
    let task = tokio::spawn(async move {
        let outcome = deed.await;
        errand.settle(&*notes, outcome.as_ref().ok()).await;
        outcome
    });
    task.await.unwrap_or_else(|_| Err(Problem::of(Code::Internal, "the server could not do this")))
}

impl Errand {
    /// A sender's name for a message, so that not even a node that dies before the answer publishes it twice.
    pub(super) fn client_id(&self) -> ClientId {
        ClientId::parse(&format!("once-{}", self.digest)).expect("a digest has 43 characters")
    }

    /// Takes the key, or waits for the answer of whoever has.
    async fn begin(&self, notes: &dyn Notes) -> Result<Option<Answer>, Problem> {
        let until = Instant::now() + PATIENCE;
        loop {
            let claim = notes.claim(&self.note, self.memory(None), TAKEN).await;
            let Some(found) = claim.map_err(|error| away(&error))? else { return Ok(None) };
            let found: Memory = serde_json::from_slice(&found).map_err(|error| {
                tracing::error!(%error, "what is kept under an idempotency key cannot be read");
                Problem::of(Code::Internal, "the server could not do this")
            })?;
            if found.digest != self.digest {
                return Err(Problem::of(Code::Conflict, "this Idempotency-Key stands for another request"));
            }
            if found.answer.is_some() {
                return Ok(found.answer);
            }
            if Instant::now() >= until {
                let detail = "the first request under this Idempotency-Key is still under way";
                return Err(Problem::of(Code::Overloaded, detail).after(Duration::from_secs(1)));
            }
            sleep(PAUSE).await;
        }
    }

    /// Remembers the answer, or gives the key back where there is none.
    async fn settle(&self, notes: &dyn Notes, answer: Option<&Answer>) {
        let settled: Result<(), PortError> = match answer {
            Some(answer) => notes.keep(&self.note, self.memory(Some(answer)), REMEMBERED).await,
            None => notes.forget(&self.note).await,
        };
        if let Err(error) = settled {
            tracing::warn!(%error, "an idempotency key stays taken until it lapses");
        }
    }

    fn memory(&self, answer: Option<&Answer>) -> Bytes {
        let memory = Memory { digest: self.digest.clone(), answer: answer.cloned() };
        serde_json::to_vec(&memory).expect("texts and numbers always encode").into()
    }
}

#[cfg(test)]
mod tests {
    use broker::memory::{Memory, MemoryOptions};
    use domain::words::NodeId;

    use super::*;

    fn errand(user: &str, key: &str, deed: &str) -> Errand {
        Key(Some(key.to_owned())).of(&UserId::text(user).unwrap(), deed).unwrap()
    }

    #[test]
    fn a_key_is_its_users_own_and_its_request_is_told_from_others() {
        let first = errand("anna", "k", "publish {}");
        assert_eq!(first.note, errand("anna", "k", "broadcast {}").note);
        assert_ne!(first.digest, errand("anna", "k", "broadcast {}").digest);
        assert_ne!(first.note, errand("bob", "k", "publish {}").note);
        assert_ne!(first.digest, errand("bob", "k", "publish {}").digest);
        assert_ne!(errand("a", "bc", "").note, errand("ab", "c", "").note);
        assert!(first.client_id().as_str().len() <= 64);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_nobody_answers_for_is_free_after_a_while() {
        let notes = Memory::new(MemoryOptions::default()).node(NodeId::boot("test"));
        let errand = errand("anna", "k", "publish {}");
        assert!(errand.begin(&*notes).await.unwrap().is_none());
        let began = Instant::now();
        assert!(errand.begin(&*notes).await.is_err(), "somebody else is at it");
        assert!((PATIENCE..PATIENCE + 2 * PAUSE).contains(&began.elapsed()), "{:?}", began.elapsed());
        tokio::time::advance(TAKEN - PATIENCE).await;
        assert!(errand.begin(&*notes).await.unwrap().is_none(), "whoever took it is no more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeat_waits_for_the_first_answer_and_is_given_it_for_a_day() {
        let notes = Memory::new(MemoryOptions::default()).node(NodeId::boot("test"));
        let errand = errand("anna", "k", "publish {}");
        assert!(errand.begin(&*notes).await.unwrap().is_none());
        let answer = Answer::new(StatusCode::ACCEPTED, &7);
        let (first, ()) = tokio::join!(errand.begin(&*notes), async {
            sleep(PAUSE * 3).await;
            errand.settle(&*notes, Some(&answer)).await;
        });
        let first = first.unwrap().unwrap();
        assert_eq!((first.status, first.body), (202, Some(Value::from(7))));
        tokio::time::advance(REMEMBERED - PAUSE).await;
        assert!(errand.begin(&*notes).await.unwrap().is_some());
        tokio::time::advance(PAUSE).await;
        assert!(errand.begin(&*notes).await.unwrap().is_none(), "the day is over");
    }

    #[tokio::test]
    async fn a_key_is_visible_ascii_and_stands_there_once() {
        for (values, good) in [
            (vec![], true),
            (vec!["k-1"], true),
            (vec!["\"quoted\""], true),
            (vec![&*"k".repeat(255)], true),
            (vec![&*"k".repeat(256)], false),
            (vec![""], false),
            (vec!["a b"], false),
            (vec!["\u{e4}"], false),
            (vec!["a", "a"], false),
        ] {
            let mut request = axum::http::Request::builder();
            for value in &values {
                request = request.header(HEADER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            let key = Key::from_request_parts(&mut parts, &()).await;
            assert_eq!(key.is_ok(), good, "{values:?}");
        }
    }
}
