//! `GET /api/rooms/{key}/messages`: a room's history, page by page towards its beginning.
//!
//! Owns how a page is bounded. Invariant: `nextBefore` is absent
//! exactly where nothing older exists, however a page was cut.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::words::{Code, Message};
use utoipa::ToSchema;

use super::message::{Shown, encode};
use super::openapi::{Guarded, Malformed, Missing, RoomKey, Unprocessable};
use super::reading::may_read;
use super::{Caller, room_in};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Messages in a page where the client names no number, and the most it may name.
const PAGE: (usize, usize) = (50, 100);
/// Largest page, in bytes; the newest messages are kept.
const LARGEST_PAGE: usize = 256 * 1024;

/// A page of a room's history.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "a shape for the document; a page is joined from texts")]
struct Page {
    /// Oldest first.
    #[schema(max_items = 100)]
    messages: Vec<Shown<'static>>,
    /// The `before` of the next older page; missing where the beginning is reached.
    #[schema(minimum = 1, required = false, nullable = false)]
    next_before: Option<u64>,
}

/// What was said in a room, the newest first asked for, the oldest first shown.
#[utoipa::path(get, path = "/rooms/{room}/messages", operation_id = "listMessages", tag = "rooms", security(("bearer" = []), ("cookie" = [])),
    params(
        ("room" = inline(RoomKey), Path, description = "The room's key, percent-encoded"),
        ("before" = Option<u64>, Query, format = "uint64", maximum = 18446744073709551615u64,
            description = "Only what has a smaller `seq`"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 100, description = "How many at most; 50 if missing"),
    ),
    responses(
        (status = 200, description = "A page, cut at 256 KiB", body = Page),
        Guarded, Malformed, Missing, Unprocessable,
    ))]
pub(crate) async fn messages(
    State(gateway): State<Arc<Gateway>>,
    Caller(identity): Caller,
    room: Result<Path<String>, PathRejection>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let room = room_in(room)?;
    let window = Window::read(&query.map_err(|_| malformed())?)?;
    may_read(&gateway, &identity, &room).await?;
    let (page, next_before) = gateway.node.page(&room, window.before, window.limit).await?;
    Ok(render(&page, next_before))
}

/// What part of the history is asked for.
struct Window {
    before: Option<u64>,
    limit: usize,
}

impl Window {
    fn read(Query(pairs): &Query<Vec<(String, String)>>) -> Result<Self, Problem> {
        let mut window = Self { before: None, limit: PAGE.0 };
        for (name, value) in pairs {
            match name.as_str() {
                "before" => window.before = Some(value.parse().map_err(|_| malformed())?),
                "limit" => window.limit = value.parse().map_err(|_| malformed())?,
                _ => {}
            }
        }
        if (1..=PAGE.1).contains(&window.limit) { Ok(window) } else { Err(malformed()) }
    }
}

fn malformed() -> Problem {
    let detail = "before is a seq and limit a number from 1 to 100";
    Problem::new(StatusCode::BAD_REQUEST, Code::InvalidMessage.as_str(), detail)
}

fn render(page: &[Message], next_before: Option<u64>) -> Response {
    let mut bytes = 0;
    let mut shown = Vec::with_capacity(page.len());
    for message in page.iter().rev() {
        let text = encode(message);
        bytes += text.len();
        if bytes > LARGEST_PAGE && !shown.is_empty() {
            break;
        }
        shown.push(text);
    }
    let cut = page.len() - shown.len();
    let next = if cut > 0 { page.get(cut).map(|oldest| oldest.position.seq) } else { next_before };
    shown.reverse();
    let mut body = format!("{{\"messages\":[{}]", shown.join(","));
    if let Some(next) = next {
        body.push_str(&format!(",\"nextBefore\":{next}"));
    }
    body.push('}');
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}
