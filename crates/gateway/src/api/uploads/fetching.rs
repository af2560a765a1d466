//! A file on its way out, a piece at a time.
//!
//! Invariant: a browser saves it, whatever it is, and never runs it as a page of ours.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::ports::Pieces;
use domain::words::Attachment;
use futures::TryStreamExt;

use super::naming::disposition;

/// The answer. Where a piece cannot be had the connection is cut, so that nobody takes a part for the whole.
pub(super) fn answer(file: &Attachment, pieces: Pieces) -> Response {
    let text = |text: &str| HeaderValue::from_str(text).expect("what was kept was made legal before");
    let headers = [
        (header::CONTENT_TYPE, text(&file.media_type)),
        (header::CONTENT_LENGTH, HeaderValue::from(file.size)),
        (header::CONTENT_DISPOSITION, text(&disposition(&file.name))),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
    ];
    let id = file.id;
    let pieces =
        pieces.inspect_err(move |error| tracing::warn!(%error, upload.id = %id, "a download is cut"));
    (headers, Body::from_stream(pieces)).into_response()
}
