//! What a request is told that Engine.IO cannot answer: the reference implementation's own words and numbers.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request is refused, all with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownTransport,
    UnknownSession,
    WrongMethod,
    BadRequest,
    UnknownVersion,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, message) = match self {
            Self::UnknownTransport => (0, "Transport unknown"),
            Self::UnknownSession => (1, "Session ID unknown"),
            Self::WrongMethod => (2, "Bad handshake method"),
            Self::BadRequest => (3, "Bad request"),
            Self::UnknownVersion => (5, "Unsupported protocol version"),
        };
        (StatusCode::BAD_REQUEST, axum::Json(json!({"code": code, "message": message}))).into_response()
    }
}
