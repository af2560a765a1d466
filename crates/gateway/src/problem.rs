//! Refusals over HTTP: RFC 9457 problem documents with the same codes as on the sockets.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::words::{Code, Fault};
use serde_json::json;

/// A refusal that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    extra: Option<(HeaderName, &'static str)>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None, extra: None }
    }

    /// The usual status of this code.
    pub(crate) fn of(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status(code), code.as_str(), detail)
    }

    pub(crate) fn unauthorized(detail: &'static str) -> Self {
        Self::of(Code::Unauthorized, detail).with(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// This node is going down; another one has room.
    pub(crate) fn draining() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "draining", "this node is going down")
            .after(Duration::from_secs(1))
    }

    /// This address opens connections too fast.
    pub(crate) fn too_many_handshakes(wait: Duration) -> Self {
        Self::of(Code::RateLimited, "too many connections are opened from this address").after(wait)
    }

    pub(crate) fn no_such_page() -> Self {
        Self::of(Code::NotFound, "there is nothing here")
    }

    #[must_use]
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    #[must_use]
    pub(crate) fn with(self, name: HeaderName, value: &'static str) -> Self {
        Self { extra: Some((name, value)), ..self }
    }
}

/// Which status a code has over HTTP.
fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidMessage | Code::UnknownType | Code::InvalidRoom => StatusCode::UNPROCESSABLE_ENTITY,
        Code::NotInRoom | Code::NotAParticipant | Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RateLimited | Code::TooManyRooms | Code::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
        Code::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Code::TokenExpired | Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Conflict | Code::SoldOut => StatusCode::CONFLICT,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        // Our own fault that time will mend is an outage of what stands behind us.
        let status = match (fault.code, fault.retry_after) {
            (Code::Internal, Some(_)) => StatusCode::SERVICE_UNAVAILABLE,
            (code, _) => status(code),
        };
        Self { retry_after: fault.retry_after, ..Self::new(status, fault.code.as_str(), fault.message) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Some(wait) = self.retry_after {
            body["retryAfterMs"] = json!(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        }
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, body.to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let seconds = HeaderValue::from_str(&seconds.to_string()).expect("digits are a header value");
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if let Some((name, value)) = self.extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
