//! The WebSocket opening handshake (RFC 6455, section 4.2).
//!
//! Owned here rather than taken from the web framework: its WebSocket hides the stream, and then a
//! close frame that answers an oversized message is lost with the reset that unread bytes cause.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use domain::words::Limits;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::accept::Hold;
use crate::auth::{BEARER_PROTOCOL, offers_bearer};
use crate::problem::Problem;
use crate::websocket::WebSocket;

/// How long our 101 may take to be written.
const DEADLINE: Duration = Duration::from_secs(10);

/// Whether the client wants a WebSocket here; other upgrades are ignored, as HTTP allows.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    contains(headers, &header::UPGRADE, "websocket")
}

fn contains(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// A handshake that is in order and has not been answered.
pub(crate) struct Handshake {
    accept: HeaderValue,
    answers_bearer: bool,
    upgrade: hyper::upgrade::OnUpgrade,
    hold: Hold,
}

impl Handshake {
    /// Checks the request; a wrong one is answered with a problem document.
    pub(crate) fn read(request: &mut Request) -> Result<Self, Problem> {
        let wrong = |detail| Problem::new(StatusCode::BAD_REQUEST, "invalid_message", detail);
        let headers = request.headers();
        if request.method() != Method::GET || request.version() != Version::HTTP_11 {
            return Err(wrong("a WebSocket begins with GET over HTTP/1.1"));
        }
        if !is_wanted(headers) {
            let detail = "this is a door for WebSockets";
            let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "invalid_message", detail);
            return Err(problem.with(header::UPGRADE, "websocket"));
        }
        if !contains(headers, &header::CONNECTION, "upgrade") {
            return Err(wrong("Connection: Upgrade is missing"));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            let detail = "WebSocket version 13 is spoken here";
            let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "invalid_message", detail);
            return Err(problem.with(header::SEC_WEBSOCKET_VERSION, "13"));
        }
        let accept =
            accept_key(headers).ok_or_else(|| wrong("Sec-WebSocket-Key is not 16 bytes in base64"))?;
        let answers_bearer = offers_bearer(headers);
        let extensions = request.extensions_mut();
        let upgrade = extensions.remove::<hyper::upgrade::OnUpgrade>();
        let (upgrade, hold) = upgrade.zip(extensions.remove::<Hold>()).ok_or_else(|| {
            Problem::of(domain::words::Code::Internal, "this connection cannot be upgraded")
        })?;
        Ok(Self { accept, answers_bearer, upgrade, hold })
    }

    /// Answers 101 and runs `live` on the socket, in a task that the accept loop waits for. `live` is
    /// dropped where it stands when the accept loop's grace is over. A message may have as many bytes as
    /// the limits allow to a frame.
    pub(crate) fn complete<F>(
        self,
        limits: &Limits,
        live: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.complete_within(limits.frame, live)
    }

    /// Like `complete`; a message may have `frame` bytes.
    pub(crate) fn complete_within<F>(
        self,
        frame: usize,
        live: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Self { accept, answers_bearer, upgrade, hold } = self;
        let config = WebSocket::config(frame);
        // Each part boxed: what is over, and what runs for hours, would otherwise lie in one future, some of it twice,
        // for every idle connection.
        let opened = Box::pin(async move {
            // A peer that never takes our 101 has no connection to speak of.
            let upgraded = timeout(DEADLINE, upgrade).await.ok()?.ok()?;
            let socket = WebSocket::server(TokioIo::new(upgraded), config).await;
            Some(Box::pin(live(socket)))
        });
        hold.keep_through(async move {
            if let Some(living) = opened.await {
                living.await;
            }
        });
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        if answers_bearer {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(BEARER_PROTOCOL));
        }
        response
    }
}

fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.as_bytes();
    STANDARD.decode(key).ok().filter(|nonce| nonce.len() == 16)?;
    HeaderValue::from_str(&derive_accept_key(key)).ok()
}
