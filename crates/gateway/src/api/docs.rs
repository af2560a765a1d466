//! `/api/docs`: the description as a page. Everything it needs is embedded.
//!
//! Owns the page's address and what the browser may do on it. Invariant: nothing is loaded from elsewhere.

use std::sync::Arc;
use std::sync::OnceLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use crate::gateway::Gateway;
use crate::problem::Problem;

/// The page; it names what it asks for by whole paths, so that it works with and without the last slash.
const PAGE: &str = include_str!("docs/index.html");
/// What starts it.
const SCRIPT: &str = include_str!("docs/start.js");

/// What the page asks for; the viewer brings more.
const FILES: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// Everything from this origin alone; the viewer styles its elements inline and draws its icons from `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes, relative to `/api`.
pub(super) fn router() -> Router<Arc<Gateway>> {
    Router::new().route("/docs", get(page)).route("/docs/", get(page)).route("/docs/{file}", get(file))
}

async fn page() -> Response {
    answer("text/html; charset=utf-8", PAGE)
}

/// One of the viewer's own files.
async fn file(Path(name): Path<String>) -> Response {
    static CONFIG: OnceLock<Arc<Config<'static>>> = OnceLock::new();
    if name == "start.js" {
        return answer("text/javascript; charset=utf-8", SCRIPT);
    }
    if !FILES.contains(&name.as_str()) {
        return Problem::no_such_page().into_response();
    }
    let config = Arc::clone(CONFIG.get_or_init(|| Arc::new(Config::from("/api/openapi.json"))));
    match utoipa_swagger_ui::serve(&name, config) {
        Ok(Some(file)) => answer(&file.content_type, file.bytes.into_owned()),
        Ok(None) | Err(_) => Problem::no_such_page().into_response(),
    }
}

fn answer(kind: &str, body: impl IntoResponse) -> Response {
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}
