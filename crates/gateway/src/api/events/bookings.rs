//! `/api/bookings…`: seats, taken and given back.
//!
//! Invariant: the node is told to bring the outbox only after the commit, and whatever becomes of that, the change is in
//! the outbox: nobody's news depend on this process.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ports::{Booked, Cancelled, NewBooking, Receipt};
use domain::words::{BookingId, Code, EventId, Identity, Role};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MOST_SEATS, may_see, missing};
use crate::api::away;
use crate::api::body::{Body, Fields, broken};
use crate::api::caller::Known;
use crate::api::idempotency::{Key, KeyHeader};
use crate::api::openapi::{Clash, Guarded, Missing, WithBody};
use crate::auth::Whence;
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Seats that are to be booked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct Wanted {
    event_id: AnyEventId,
    /// How many seats; 1 if missing.
    #[schema(minimum = 1, maximum = 1000000000, default = 1, example = 2)]
    quantity: Option<u64>,
}

/// An event's id. A text of its digits is the same.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = EventId)]
#[allow(dead_code, reason = "a shape for the document; the domain parses event ids")]
enum AnyEventId {
    Number(NumericEventId),
    Digits(TextEventId),
}

/// An event id as every JSON implementation can hold it.
#[derive(Serialize, ToSchema)]
#[schema(maximum = 9007199254740991_i64, example = 7)]
#[allow(dead_code, reason = "a shape for the document; the domain parses event ids")]
struct NumericEventId(u64);

/// An event id in digits.
#[derive(Serialize, ToSchema)]
#[schema(pattern = r"^(0|[1-9][0-9]{0,14})$", example = "7")]
#[allow(dead_code, reason = "a shape for the document; the domain parses event ids")]
struct TextEventId(String);

/// What was booked or cancelled.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Receipt)]
struct Shown<'a> {
    #[schema(pattern = "^BK-[0-9A-Za-z]{1,64}$", example = "BK-0123456789ABCDEFGHJK")]
    booking_id: &'a str,
    /// Seats left after it.
    #[schema(example = 498)]
    available_seats: u64,
}

/// Books seats: all that are asked for, or none.
#[utoipa::path(post, path = "/bookings", operation_id = "book", tag = "events", security(("bearer" = []), ("cookie" = [])),
    params(KeyHeader), request_body = Wanted,
    responses(
        (status = 201, description = "The seats are booked, now or under the same key before", body = Shown<'_>),
        WithBody, Guarded, Missing, Clash,
    ))]
pub(super) async fn book(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    key: Key,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let booking = wanted(&identity, &fields, key)?;
    may_see(&identity, booking.event)?;
    match gateway.node.bookings().book(&booking).await.map_err(|error| away(&error))? {
        Booked::Yes(receipt) => {
            gateway.node.seats_changed();
            Ok(answer(StatusCode::CREATED, &receipt))
        }
        Booked::SoldOut => Err(Problem::of(Code::SoldOut, "fewer seats are left than were asked for")),
        Booked::UnknownEvent => Err(missing()),
        Booked::Conflict => {
            Err(Problem::of(Code::Conflict, "this Idempotency-Key stands for another request"))
        }
    }
}

/// Cancels a booking: one's own, or as `admin` or `service` anybody's.
#[utoipa::path(delete, path = "/bookings/{id}", operation_id = "cancelBooking", tag = "events", security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "The `bookingId`", example = "BK-0123456789ABCDEFGHJK")),
    responses(
        (status = 200, description = "The seats are free again", body = Shown<'_>),
        Guarded, Missing,
    ))]
pub(super) async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    Known { identity, .. }: Known,
    whence: Whence,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let unknown = || Problem::of(Code::NotFound, "there is no such booking");
    let id = id.ok().and_then(|Path(id)| BookingId::parse(&id).ok()).ok_or_else(unknown)?;
    let by = match identity.role {
        Role::Admin | Role::Service => None,
        Role::User | Role::Moderator => Some(&identity.user),
    };
    match gateway.node.bookings().cancel(&id, by).await.map_err(|error| away(&error))? {
        Cancelled::Now(receipt) => {
            gateway.node.seats_changed();
            Ok(answer(StatusCode::OK, &receipt))
        }
        Cancelled::Unknown => Err(unknown()),
        Cancelled::NotTheirs => {
            gateway.authenticator.refuse(whence, &identity, "booking_of_another");
            Err(Problem::of(Code::Forbidden, "this is somebody else's booking"))
        }
    }
}

fn wanted(identity: &Identity, fields: &Fields, Key(key): Key) -> Result<NewBooking, Problem> {
    let event = fields.whole_or_digits("eventId")?;
    let event = EventId::new(event).map_err(|error| broken("eventId", error.0))?;
    let quantity = fields.optional_whole("quantity")?.unwrap_or(1);
    if !(1..=MOST_SEATS).contains(&quantity) {
        return Err(broken("quantity", "is a whole number from 1 to 1,000,000,000"));
    }
    Ok(NewBooking { event, user: identity.user.clone(), quantity, key })
}

fn answer(status: StatusCode, receipt: &Receipt) -> Response {
    let shown = Shown { booking_id: receipt.booking.as_str(), available_seats: receipt.available };
    (status, Json(shown)).into_response()
}
