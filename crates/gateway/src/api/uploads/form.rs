//! A multipart body, read as it comes.
//!
//! Owns how long and how large a body may be beside its file. Invariant: whatever a client sends, no more than a few chunks of
//! it are in memory.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::StatusCode;
use bytes::Bytes;
use domain::words::Code;
use futures::{Stream, StreamExt, stream};
use multer::{Field, Multipart};
use tokio::time::timeout;

use crate::problem::Problem;

/// The longest silence of a body.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a body may have beside its file, in bytes: boundaries, headers, further fields.
pub(super) const AROUND: u64 = 64 * 1024;
/// How much is read in search of the next field or the next bytes of one.
const SEARCHED: usize = 64 * 1024;
/// The longest text field, in bytes: none that is longer can be a room's key.
const LONGEST_TEXT: usize = 1024;

/// Why a body ends before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    TooLarge,
    Endless,
    Broken,
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl std::error::Error for Ended {}

/// The fields of a body, one after the other.
pub(super) struct Form<'r> {
    multipart: Multipart<'r>,
    /// Bytes that were read since something came of them.
    searched: Arc<AtomicUsize>,
}

impl<'r> Form<'r> {
    /// A body of at most `limit` bytes, whose content type names its boundary.
    pub(super) fn read(
        body: &'r mut BodyDataStream,
        content_type: Option<&str>,
        limit: u64,
    ) -> Result<Self, Problem> {
        let boundary = content_type.and_then(|kind| multer::parse_boundary(kind).ok());
        let boundary = boundary.ok_or_else(|| malformed("the body is not multipart/form-data"))?;
        let searched = Arc::new(AtomicUsize::new(0));
        let multipart = Multipart::new(measured(body, limit, searched.clone()), boundary);
        Ok(Self { multipart, searched })
    }

    /// The next field; the one before must be gone.
    pub(super) async fn next(&mut self) -> Result<Option<Field<'r>>, Problem> {
        let field = timeout(PATIENCE, self.multipart.next_field()).await;
        self.searched.store(0, Ordering::Relaxed);
        field.map_err(|_| late())?.map_err(|error| refused(&error))
    }

    /// The next bytes of a field.
    pub(super) async fn chunk(&self, field: &mut Field<'r>) -> Result<Option<Bytes>, Problem> {
        let chunk = timeout(PATIENCE, field.chunk()).await;
        self.searched.store(0, Ordering::Relaxed);
        chunk.map_err(|_| late())?.map_err(|error| refused(&error))
    }

    /// A field that is a short text; `None`: it is not.
    pub(super) async fn text(&self, mut field: Field<'r>) -> Result<Option<String>, Problem> {
        let (mut text, mut whole) = (Vec::new(), true);
        while let Some(chunk) = self.chunk(&mut field).await? {
            whole &= text.len() + chunk.len() <= LONGEST_TEXT;
            if whole {
                text.extend_from_slice(&chunk);
            }
        }
        Ok(String::from_utf8(text).ok().filter(|_| whole))
    }
}

/// The body, chunk by chunk. A pause after each: the reader would fill its buffer with all that there is.
fn measured(
    body: &mut BodyDataStream,
    limit: u64,
    searched: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, Ended>> + Send {
    let (mut left, mut paused) = (limit, true);
    stream::poll_fn(move |context| {
        if !paused {
            paused = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(chunk) = body.poll_next_unpin(context) else { return Poll::Pending };
        paused = false;
        let Some(chunk) = chunk else { return Poll::Ready(None) };
        let Ok(chunk) = chunk else { return Poll::Ready(Some(Err(Ended::Broken))) };
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if length > left {
            return Poll::Ready(Some(Err(Ended::TooLarge)));
        }
        left -= length;
        if searched.fetch_add(chunk.len(), Ordering::Relaxed) > SEARCHED {
            return Poll::Ready(Some(Err(Ended::Endless)));
        }
        Poll::Ready(Some(Ok(chunk)))
    })
}

fn refused(error: &multer::Error) -> Problem {
    let ended = match error {
        multer::Error::StreamReadFailed(error) => error.downcast_ref::<Ended>().copied(),
        _ => None,
    };
    match ended {
        Some(Ended::TooLarge) => too_large(),
        Some(Ended::Endless) => malformed("the body is not multipart/form-data"),
        Some(Ended::Broken) => malformed("the body did not arrive"),
        None => malformed("the body is not legal multipart/form-data"),
    }
}

/// More was sent than is taken.
pub(super) fn too_large() -> Problem {
    Problem::of(Code::TooLarge, "the file is too large")
}

fn late() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        Code::InvalidMessage.as_str(),
        "the body did not arrive in time",
    )
}

fn malformed(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, Code::InvalidMessage.as_str(), detail)
}
