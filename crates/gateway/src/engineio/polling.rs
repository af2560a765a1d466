//! Long polling over HTTP: the GET that waits, the POST that brings.
//!
//! Owns statuses, headers and the size of bodies. Owns no session.

use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::time::timeout;

use super::mailbox::{BadRequest, Mailbox};
use super::packet;
use super::refusal::Refusal;

/// How much of a body above the limit is still read, and for how long, so that the client hears the 413:
/// closing with unread bytes would reset the connection.
const LEFTOVER: (usize, Duration) = (1024 * 1024, Duration::from_secs(2));

/// An answer of this protocol.
pub(super) fn answer(payload: impl Into<Body>) -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; charset=UTF-8"), (header::CACHE_CONTROL, "no-store")],
        payload.into(),
    )
        .into_response()
}

/// Waits for something to send.
pub(super) async fn poll(mailbox: &Mailbox) -> Response {
    let Ok(poll) = mailbox.begin_poll() else { return Refusal::BadRequest.into_response() };
    match poll.payload().await {
        Ok(payload) => answer(payload),
        Err(BadRequest) => Refusal::BadRequest.into_response(),
    }
}

/// Takes what the client sends: at most `largest` bytes, within `patience`.
pub(super) async fn post(mailbox: &Mailbox, body: Body, largest: usize, patience: Duration) -> Response {
    let Ok(post) = mailbox.begin_post() else { return Refusal::BadRequest.into_response() };
    // Wherever this returns early, dropping `post` ends the session.
    match timeout(patience, read(body, largest)).await {
        Ok(Ok(payload)) if packet::is_sound(&payload) => match post.deliver(payload).await {
            Ok(()) => answer("ok"),
            Err(BadRequest) => Refusal::BadRequest.into_response(),
        },
        Ok(Err(Unread::TooLarge(rest))) => {
            drop(post);
            let _ = timeout(LEFTOVER.1, skip(rest)).await;
            StatusCode::PAYLOAD_TOO_LARGE.into_response()
        }
        Ok(Ok(_) | Err(Unread::Broken)) | Err(_) => Refusal::BadRequest.into_response(),
    }
}

enum Unread {
    TooLarge(axum::body::BodyDataStream),
    Broken,
}

async fn read(body: Body, largest: usize) -> Result<Bytes, Unread> {
    let mut stream = body.into_data_stream();
    let mut payload = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| Unread::Broken)?;
        if payload.len() + piece.len() > largest {
            return Err(Unread::TooLarge(stream));
        }
        payload.extend_from_slice(&piece);
    }
    Ok(payload.freeze())
}

async fn skip(mut rest: axum::body::BodyDataStream) {
    let mut skipped = 0;
    while let Some(Ok(piece)) = rest.next().await {
        skipped += piece.len();
        if skipped > LEFTOVER.0 {
            return;
        }
    }
}
