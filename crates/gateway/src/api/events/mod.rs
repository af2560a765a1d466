//! `/api/events…`: events with seats.
//!
//! Owns who may make and see an event over HTTP; what becomes of its seats is [`bookings`]' business.

mod bookings;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::words::{BookableEvent, Code, EventId, Identity};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::away;
use super::body::{Body, Fields, broken, digits};
use super::caller::{Known, Operator};
use super::openapi::{Guarded, Malformed, Missing, WithBody};
use super::reading::{narrow, unlisted};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Events in a list where the client names no number, and the most it may name.
const LISTED: (usize, usize) = (100, 1000);
/// Most characters of a title.
const LONGEST_TITLE: usize = 200;
/// Most seats of an event.
const MOST_SEATS: u64 = 1_000_000_000;

/// The routes, relative to `/api`.
pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one))
        .routes(routes!(bookings::book))
        .routes(routes!(bookings::cancel))
}

/// An event that is to be made.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct NewEvent {
    /// Without control characters; the space around it does not count.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$",
        example = "Evening concert"
    )]
    title: String,
    #[schema(minimum = 1, maximum = 1000000000, example = 500)]
    total_seats: u64,
}

/// An event as it stands now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
struct Shown<'a> {
    #[schema(maximum = 9007199254740991_i64, example = 7)]
    id: u64,
    #[schema(example = "Evening concert")]
    title: &'a str,
    #[schema(example = 500)]
    total_seats: u64,
    /// Seats that nobody has booked.
    #[schema(example = 498)]
    available_seats: u64,
}

impl<'a> Shown<'a> {
    fn of(event: &'a BookableEvent) -> Self {
        let BookableEvent { id, title, total_seats, available_seats } = event;
        Self { id: id.get(), title, total_seats: *total_seats, available_seats: *available_seats }
    }
}

/// Events, newest first.
#[derive(Serialize, ToSchema)]
struct Events<'a> {
    #[schema(max_items = 1000)]
    events: Vec<Shown<'a>>,
}

/// The newest events, as far as the token reaches.
#[utoipa::path(get, path = "/events", operation_id = "listEvents", tag = "events", security(("bearer" = []), ("cookie" = [])),
    params(("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 if missing")),
    responses((status = 200, description = "Newest first", body = Events<'_>), Guarded, Malformed))]
async fn list(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let limit = limit(query)?;
    let mut events = gateway.node.bookings().events(limit).await.map_err(|error| away(&error))?;
    events.retain(|event| identity.may_enter(&event.id.room()));
    Ok(Json(Events { events: events.iter().map(Shown::of).collect() }).into_response())
}

/// One event.
#[utoipa::path(get, path = "/events/{id}", operation_id = "getEvent", tag = "events", security(("bearer" = []), ("cookie" = [])),
    params(("id" = u64, Path, maximum = 9007199254740991_i64, description = "The `eventId`", example = 7)),
    responses((status = 200, description = "The event", body = Shown<'_>), Guarded, Missing))]
async fn one(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let id = id.ok().and_then(|Path(id)| digits(&id)).and_then(|id| EventId::new(id).ok());
    let id = id.ok_or_else(missing)?;
    may_see(&identity, id)?;
    let event = gateway.node.bookings().event(id).await.map_err(|error| away(&error))?;
    Ok(Json(Shown::of(&event.ok_or_else(missing)?)).into_response())
}

/// Makes an event. Role `admin` or `service`.
#[utoipa::path(post, path = "/events", operation_id = "createEvent", tag = "events", security(("bearer" = []), ("cookie" = [])), request_body = NewEvent,
    responses((status = 201, description = "The event is made", body = Shown<'_>), WithBody, Guarded))]
async fn create(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    Body(fields): Body,
) -> Result<Response, Problem> {
    unlisted(&identity)?;
    let (title, seats) = (title(&fields)?, seats(&fields)?);
    let event = gateway.node.bookings().create_event(title, seats).await.map_err(|error| away(&error))?;
    tracing::info!(event.id = %event.id, user.id = %identity.user, "event made");
    Ok((StatusCode::CREATED, Json(Shown::of(&event))).into_response())
}

fn title(fields: &Fields) -> Result<&str, Problem> {
    let title = fields.text("title")?.trim();
    if (1..=LONGEST_TITLE).contains(&title.chars().count()) && !title.chars().any(char::is_control) {
        return Ok(title);
    }
    Err(broken("title", "has 1 to 200 characters and no control characters"))
}

fn seats(fields: &Fields) -> Result<u64, Problem> {
    let seats = fields.optional_whole("totalSeats")?.ok_or_else(|| broken("totalSeats", "is needed"))?;
    if (1..=MOST_SEATS).contains(&seats) {
        return Ok(seats);
    }
    Err(broken("totalSeats", "is a whole number from 1 to 1,000,000,000"))
}

fn limit(query: Result<Query<Vec<(String, String)>>, QueryRejection>) -> Result<usize, Problem> {
    let malformed = || {
        let detail = "limit is a number from 1 to 1000";
        Problem::new(StatusCode::BAD_REQUEST, Code::InvalidMessage.as_str(), detail)
    };
    let Query(pairs) = query.map_err(|_| malformed())?;
    let named = pairs.iter().rev().find(|(name, _)| name == "limit");
    let limit = named.map_or(Ok(LISTED.0), |(_, value)| value.parse().map_err(|_| malformed()))?;
    if (1..=LISTED.1).contains(&limit) { Ok(limit) } else { Err(malformed()) }
}

/// A token for a list of rooms sees the events whose feed is among them.
fn may_see(identity: &Identity, event: EventId) -> Result<(), Problem> {
    if identity.may_enter(&event.room()) { Ok(()) } else { Err(narrow()) }
}

fn missing() -> Problem {
    Problem::of(Code::NotFound, "there is no such event")
}
