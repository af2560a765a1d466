//! Frames that say the same on several raw doors.

use std::time::Duration;

use domain::ports::Tally;
use domain::words::{SeatChange, SeatChangeKind, Timestamp};
use serde::Serialize;

use super::{Mark, RoomName, User, milliseconds};

/// What a short frame takes at most, in bytes; longer ones grow.
pub(crate) const SHORT: usize = 256;

/// This node is going down.
#[derive(Serialize)]
#[serde(tag = "type", rename = "reconnect", rename_all = "camelCase")]
pub(crate) struct Reconnect {
    retry_after_ms: u64,
}

impl Reconnect {
    pub(crate) fn new(retry_after: Duration) -> Self {
        Self { retry_after_ms: milliseconds(retry_after) }
    }
}

/// The connection works.
#[derive(Serialize)]
#[serde(tag = "type", rename = "pong")]
pub(crate) struct Pong<'a> {
    #[serde(serialize_with = "crate::timestamp::serialize")]
    pub(crate) timestamp: Timestamp,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<Mark<'a>>,
}

/// How many there are.
#[derive(Serialize)]
#[serde(tag = "type", rename = "stats")]
pub(crate) struct Stats<'a> {
    data: Numbers,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<Mark<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    total_connections: u64,
    total_users: u64,
    subscribers: u64,
    nodes: u64,
}

impl<'a> Stats<'a> {
    pub(crate) fn new(tally: Tally, subscribers: u64, reference: Option<Mark<'a>>) -> Self {
        let Tally { connections, users, nodes } = tally;
        let data = Numbers { total_connections: connections, total_users: users, subscribers, nodes };
        Self { data, reference }
    }
}

/// `booking_created`, `booking_cancelled`: seats were taken or given back.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seats<'a> {
    #[serde(rename = "type")]
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<RoomName<'a>>,
    event_id: u64,
    booking_id: &'a str,
    user_id: User<'a>,
    available_seats: u64,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    timestamp: Timestamp,
}

impl<'a> Seats<'a> {
    /// `room`: where the client hears it, if it is to be told.
    pub(crate) fn new(change: &'a SeatChange, room: Option<RoomName<'a>>) -> Self {
        let name = match change.kind {
            SeatChangeKind::Booked => "booking_created",
            SeatChangeKind::Cancelled => "booking_cancelled",
        };
        Self {
            name,
            room_id: room,
            event_id: change.event.get(),
            booking_id: change.booking.as_str(),
            user_id: User(&change.user),
            available_seats: change.available,
            timestamp: change.at,
        }
    }
}
