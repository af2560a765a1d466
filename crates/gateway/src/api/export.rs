//! `GET /api/rooms/{key}/export`: everything that was said in a room, a message a line.
//!
//! Invariant: what is sent is whole. Where that cannot be said at the beginning it is refused; where it fails
//! later, the connection is cut and the answer has no end.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::node::Export;
use domain::words::{Code, Message};
use futures::stream::{once, try_unfold};
use futures::{StreamExt, TryStreamExt};

use super::message::encode;
use super::openapi::{Guarded, Missing, RoomKey, Unprocessable};
use super::reading::may_read;
use super::{Caller, room_in};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// The content of the answer: lines of JSON.
const LINES: &str = "application/x-ndjson";

/// Everything that was said in a room until now, oldest first: one message a line, as in a page of its messages.
#[utoipa::path(get, path = "/rooms/{room}/export", operation_id = "exportRoom", tag = "rooms", security(("bearer" = []), ("cookie" = [])),
    params(("room" = inline(RoomKey), Path, description = "The room's key, percent-encoded")),
    responses(
        (status = 200, description = "One message a line; cut off without an end where it could not be completed",
            body = String, content_type = "application/x-ndjson"),
        Guarded, Missing, Unprocessable,
    ))]
pub(crate) async fn export(
    State(gateway): State<Arc<Gateway>>,
    Caller(identity): Caller,
    room: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let room = room_in(room)?;
    may_read(&gateway, &identity, &room).await?;
    let mut export = gateway.node.export(&room).await?;
    // The first part is read before anything is promised.
    let first = export.next().await?.map_or_else(String::new, |messages| lines(&messages));
    let rest = try_unfold(export, next).inspect_err(move |error| {
        tracing::warn!(%error, room.id = %room, "an export is cut");
    });
    let body = Body::from_stream(once(async { Ok(first) }).chain(rest));
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(LINES))], body).into_response())
}

async fn next(mut export: Export) -> Result<Option<(String, Export)>, Cut> {
    let messages = export.next().await.map_err(|fault| Cut(fault.code))?;
    Ok(messages.map(|messages| (lines(&messages), export)))
}

fn lines(messages: &[Message]) -> String {
    messages.iter().flat_map(|message| [encode(message), "\n".to_owned()]).collect()
}

/// The rest cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("the rest could not be read: {}", .0.as_str())]
struct Cut(Code);
