//! `GET /ws/events/{eventId}`: the seats of one event at a time.

use serde_json::json;

use super::rooms::{error, reconnect};
use super::{Door, Frames, asks, token};
use crate::document::server::{Tell, answer, tell};
use crate::document::shapes::{count, or_null, shared_as, text, time, user};

pub(super) fn door() -> Door {
    Door {
        name: "events",
        address: "/ws/events/{eventId}",
        title: "Events",
        description: "JSON objects, one a frame. The event in the path is watched from the start, where it is a number. A missing \
            or bad token: the upgrade is completed and the socket closed with 1008.",
        parameters: json!({ "eventId": {
            "description": "An event's number. Anything else is let in, and watches nothing.",
        }}),
        query: token(),
        frames: Frames::Objects,
        asks: asks(wire::events::types(), purpose),
        tells: tells(),
    }
}

fn purpose(name: &str) -> (&'static str, Vec<&'static str>) {
    match name {
        "subscribe_event" => ("Watches another event instead.", vec!["subscribed", "error"]),
        "ping" => ("Asks whether the connection works.", vec!["pong", "error"]),
        "get_stats" => ("Asks how many there are.", vec!["stats", "error"]),
        name => panic!("{name} is not described here"),
    }
}

fn tells() -> Vec<Tell> {
    vec![
        tell(
            "connection_established",
            "The connection is open.",
            [
                ("clientId", text("This connection.")),
                ("eventId", or_null(shared_as("EventId"))),
                ("timestamp", time()),
            ],
        ),
        answer(
            "subscribed",
            "The event is watched.",
            [("eventId", shared_as("EventId")), ("timestamp", time())],
        ),
        answer("pong", "The connection works.", [("timestamp", time())]),
        answer("stats", "How many there are, in the whole cluster.", [("data", shared_as("Tally"))]),
        seats("booking_created", "Seats were taken."),
        seats("booking_cancelled", "Seats were given back."),
        error(),
        reconnect(),
    ]
}

fn seats(name: &'static str, summary: &'static str) -> Tell {
    tell(
        name,
        summary,
        [
            ("eventId", shared_as("EventId")),
            ("bookingId", text("The booking: `BK-` and letters and digits.")),
            ("userId", user()),
            (
                "availableSeats",
                count("Seats that are left; bookings are told in the order of their commits."),
            ),
            ("timestamp", time()),
        ],
    )
}
