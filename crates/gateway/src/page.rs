//! The built-in page: three files, embedded as they are, under a policy without inline code.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// Everything from this origin, nothing inline, nowhere in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/` for people.
pub(crate) fn index() -> Response {
    let mut response = file("text/html; charset=utf-8", include_str!("page/index.html"));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // The address may carry a token.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `/app.js`.
pub(crate) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("page/app.js"))
}

/// `/app.css`.
pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/app.css"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
