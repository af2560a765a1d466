//! `GET /api/rooms/{key}/members`: who is in a room now, across the cluster.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use domain::words::Author;
use serde_json::{Value, json};

use super::message::Id;
use super::reading::may_read;
use super::{Caller, room_in};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Most members that are listed; `count` counts all of them.
const LISTED: usize = 1000;

/// The handler.
pub(crate) async fn members(
    State(gateway): State<Arc<Gateway>>,
    Caller(identity): Caller,
    room: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let room = room_in(room)?;
    may_read(&gateway, &identity, &room).await?;
    let (members, count) = gateway.node.members(&room, LISTED).await?;
    let members: Vec<Value> = members.iter().map(shown).collect();
    Ok(Json(json!({"members": members, "count": count})))
}

fn shown(member: &Author) -> Value {
    json!({"userId": Id(&member.user), "username": member.name.as_deref()})
}
