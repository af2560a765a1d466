//! `GET /api/rooms/{key}/members`: who is in a room now, across the cluster.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use domain::words::Author;
use serde::Serialize;
use utoipa::ToSchema;

use super::message::Id;
use super::openapi::{AnyUserId, Guarded, Missing, RoomKey, Unprocessable};
use super::reading::may_read;
use super::{Caller, room_in};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Most members that are listed; `count` counts all of them.
const LISTED: usize = 1000;

/// Who is in a room.
#[derive(Serialize, ToSchema)]
struct Members<'a> {
    #[schema(max_items = 1000)]
    members: Vec<Member<'a>>,
    /// All of them, also those that are not listed.
    count: u64,
}

/// A user in a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Member<'a> {
    #[schema(value_type = AnyUserId)]
    user_id: Id<'a>,
    username: Option<&'a str>,
}

/// Who is in a room now, on all nodes.
#[utoipa::path(get, path = "/rooms/{room}/members", operation_id = "listMembers", tag = "rooms", security(("bearer" = []), ("cookie" = [])),
    params(("room" = inline(RoomKey), Path, description = "The room's key, percent-encoded")),
    responses(
        (status = 200, description = "The distinct users in the room", body = Members<'_>),
        Guarded, Missing, Unprocessable,
    ))]
pub(crate) async fn members(
    State(gateway): State<Arc<Gateway>>,
    Caller(identity): Caller,
    room: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let room = room_in(room)?;
    may_read(&gateway, &identity, &room).await?;
    let (members, count) = gateway.node.members(&room, LISTED).await?;
    let members = members.iter().map(shown).collect();
    Ok(Json(Members { members, count }).into_response())
}

fn shown(member: &Author) -> Member<'_> {
    Member { user_id: Id(&member.user), username: member.name.as_deref() }
}
