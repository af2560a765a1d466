//! Which pages' scripts may read the API's answers: those of the listed origins, with credentials.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::words::Code;

use crate::gateway::Gateway;
use crate::problem::Problem;

/// How long a browser may remember a preflight's answer, in seconds.
const MAX_AGE: &str = "600";

/// Answers preflights, and marks every other answer for its origin.
pub(crate) async fn answer(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let listed = origin
        .filter(|origin| origin.to_str().is_ok_and(|origin| gateway.authenticator.lists_origin(origin)));
    let mut response = match is_preflight(&request) {
        true if listed.is_some() => preflight(),
        true => Problem::of(Code::Forbidden, "this origin is not on the list").into_response(),
        false => next.run(request).await,
    };
    mark(response.headers_mut(), listed);
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key"),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn mark(headers: &mut HeaderMap, listed: Option<HeaderValue>) {
    // Also where the origin is not listed: a cache must not hand that answer to a listed one.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = listed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        let exposed = HeaderValue::from_static("retry-after");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
