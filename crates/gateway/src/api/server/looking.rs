//! Looking at the cluster: how many there are, on which nodes, and who is where.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ports::{Attendee, NodeStanding};
use domain::words::{Code, Namespace, RoomId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::Operator;
use crate::api::message::Id;
use crate::api::openapi::{AnyUserId, Guarded, Malformed, RoomKey};
use crate::api::reading::{narrow, unlisted};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Most users that are listed; `count` counts all of them.
const LISTED: usize = 1000;

/// How many there are, on all nodes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[schema(example = 3)]
    total_connections: u64,
    /// Distinct users.
    #[schema(example = 2)]
    total_users: u64,
    #[schema(example = 1)]
    nodes: u64,
}

/// The nodes that are up.
#[derive(Serialize, ToSchema)]
struct Nodes<'a> {
    nodes: Vec<Standing<'a>>,
}

/// One node.
#[derive(Serialize, ToSchema)]
#[schema(as = Node)]
struct Standing<'a> {
    /// As it is configured.
    #[schema(example = "gateway-1")]
    name: &'a str,
    /// This run of it.
    #[schema(example = "gateway-1~0badcafe")]
    id: &'a str,
    #[schema(example = 3)]
    connections: u64,
}

/// Who is in a room, on all nodes.
#[derive(Serialize, ToSchema)]
#[schema(as = Presence)]
struct Present<'a> {
    #[schema(example = "room:lounge")]
    room: &'a str,
    #[schema(max_items = 1000)]
    users: Vec<Attending<'a>>,
    /// All of them, also those that are not listed.
    count: u64,
}

/// A user in a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attendee)]
struct Attending<'a> {
    #[schema(value_type = AnyUserId)]
    user_id: Id<'a>,
    #[schema(required)]
    username: Option<&'a str>,
    /// All of this user's connections, in this room or not.
    connections: u64,
}

/// How many there are.
#[utoipa::path(get, path = "/server/stats", operation_id = "getStats", tag = "server", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "On all nodes", body = Stats), Guarded))]
pub(super) async fn stats(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
) -> Result<Response, Problem> {
    unlisted(&identity)?;
    let tally = gateway.node.tally().await?;
    let stats = Stats { total_connections: tally.connections, total_users: tally.users, nodes: tally.nodes };
    Ok(Json(stats).into_response())
}

/// Which nodes are up.
#[utoipa::path(get, path = "/server/nodes", operation_id = "listNodes", tag = "server", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "Every node whose lease stands", body = Nodes<'_>), Guarded))]
pub(super) async fn nodes(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
) -> Result<Response, Problem> {
    unlisted(&identity)?;
    let nodes = gateway.node.nodes().await?;
    Ok(Json(Nodes { nodes: nodes.iter().map(Standing::of).collect() }).into_response())
}

/// Who is in a room.
#[utoipa::path(get, path = "/server/presence", operation_id = "getPresence", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(("room" = RoomKey, Query, description = "The room's key, percent-encoded")),
    responses((status = 200, description = "The distinct users in the room", body = Present<'_>), Guarded, Malformed))]
pub(super) async fn presence(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let room = room(query)?;
    if room != RoomId::lobby() && !identity.may_enter(&room) {
        return Err(narrow());
    }
    let (users, count) = gateway.node.attendees(&room, LISTED).await?;
    let users = users.iter().map(Attending::of).collect();
    Ok(Json(Present { room: room.key(), users, count }).into_response())
}

impl<'a> Standing<'a> {
    fn of(node: &'a NodeStanding) -> Self {
        Self { name: node.id.name(), id: node.id.as_str(), connections: node.connections }
    }
}

impl<'a> Attending<'a> {
    fn of(Attendee { who, connections }: &'a Attendee) -> Self {
        Self { user_id: Id(&who.user), username: who.name.as_deref(), connections: *connections }
    }
}

fn room(query: Result<Query<Vec<(String, String)>>, QueryRejection>) -> Result<RoomId, Problem> {
    let pairs = query.map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
    let named = pairs.iter().rev().find(|(name, _)| name == "room");
    let room = named.and_then(|(_, key)| RoomId::parse(key).ok());
    // What the nodes tell each other is nobody's room.
    room.filter(|room| room.namespace() != Namespace::Cluster).ok_or_else(|| {
        let detail = "room is a room's key: namespace:name";
        Problem::new(StatusCode::BAD_REQUEST, Code::InvalidMessage.as_str(), detail)
    })
}
