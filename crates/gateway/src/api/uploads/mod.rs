//! `/api/uploads…`: files for messages to show.
//!
//! Owns who may bring and fetch a file over HTTP. Invariants: nothing is kept of an upload that is refused, at
//! whatever point; a file is its owner's alone until a message shows it.

mod fetching;
mod form;
mod naming;
mod places;
mod taking;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ports::Upload;
use domain::words::{Code, Identity, Namespace};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::away;
use super::caller::{Caller, Known};
use super::message::File;
use super::openapi::{Guarded, Missing, WithBody};
use super::reading::{may_read, narrow};
use crate::accept::Hold;
use crate::gateway::Gateway;
use crate::problem::Problem;

/// The routes, relative to `/api`.
pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(one))
}

/// A file, and the room that it is for.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a shape for the document; the body is read as it comes")]
struct NewUpload {
    /// An open room, a chat of one's own, or the lobby. Where it stands before the file, a refusal comes before the file does.
    #[schema(pattern = r"^((room|chat):[A-Za-z0-9_.:\-]{1,128}|lobby:main)$", example = "room:lounge")]
    room: String,
    /// The file, with its name and media type. At most 10 MiB if not configured otherwise; else 413.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Brings a file for a room.
#[utoipa::path(post, path = "/uploads", operation_id = "createUpload", tag = "uploads", security(("bearer" = []), ("cookie" = [])),
    request_body(content = NewUpload, content_type = "multipart/form-data"),
    responses((status = 201, description = "It is kept, and its owner's alone until a message shows it", body = File),
        WithBody, Guarded, Missing))]
async fn create(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    request: Request,
) -> Result<Response, Problem> {
    let hold = request.extensions().get::<Hold>().cloned();
    let hold = hold.ok_or_else(|| Problem::of(Code::Internal, "this connection is not held"))?;
    let upload = taking::take(gateway, identity, request, hold).await?;
    Ok((StatusCode::CREATED, Json(upload.attachment)).into_response())
}

/// The file itself, as something to be saved.
#[utoipa::path(get, path = "/uploads/{id}", operation_id = "getUpload", tag = "uploads", security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The `id` of the upload")),
    responses((status = 200, description = "Its bytes, under the media type that it was brought with",
        body = Vec<u8>, content_type = "*/*"), Guarded, Missing))]
async fn one(
    State(gateway): State<Arc<Gateway>>,
    Caller(identity): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let id = id.ok().and_then(|Path(id)| Uuid::try_parse(&id).ok()).ok_or_else(missing)?;
    let upload = gateway.node.uploads().find(id).await.map_err(|error| away(&error))?;
    let upload = upload.ok_or_else(missing)?;
    may_fetch(&gateway, &identity, &upload).await?;
    let pieces = gateway.node.uploads().read(id).await.map_err(|error| away(&error))?;
    Ok(fetching::answer(&upload.attachment, pieces.ok_or_else(missing)?))
}

/// Whoever may not know of a file does not learn that it is there.
async fn may_fetch(gateway: &Gateway, identity: &Identity, upload: &Upload) -> Result<(), Problem> {
    // What is taken back is taken back with what it showed; its owner has it still.
    let shown = match upload.message {
        Some(message) => !gateway.node.is_withdrawn(&upload.room, message).await?,
        None => false,
    };
    if shown {
        return may_read(gateway, identity, &upload.room).await;
    }
    if upload.owner != identity.user {
        return Err(missing());
    }
    let listed = upload.room.namespace() == Namespace::Lobby || identity.may_enter(&upload.room);
    if listed { Ok(()) } else { Err(narrow()) }
}

fn missing() -> Problem {
    Problem::of(Code::NotFound, "there is no such upload")
}
