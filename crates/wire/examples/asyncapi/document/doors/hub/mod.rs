//! `GET /ws`: the hub.

mod tells;

use serde_json::json;

use super::{Door, Frames, asks, token};
use crate::document::client::Ask;

pub(super) fn door() -> Door {
    Door {
        name: "hub",
        address: "/ws",
        title: "Hub",
        description: "JSON objects, one a frame, text or binary UTF-8. Every connection is in the `lobby` from the start. A frame \
            that is not JSON is a message for the lobby. Every request is answered, with its `ref` where it has one: by the \
            message of its own, by `ack`, or by `error`. Types that an operator added are not described here. A missing or bad \
            token is answered with 401 before the upgrade.",
        parameters: json!({}),
        query: token(),
        frames: Frames::Marked,
        asks: requests(),
        tells: tells::all(),
    }
}

fn requests() -> Vec<Ask> {
    let mut asks = asks(wire::hub::Hub::default().registry().specs(), purpose);
    let announce = asks.iter_mut().find(|ask| ask.spec.name == "announce").expect("it is built in");
    announce.extra = json!({ "description": "Role `admin` or `service`." });
    asks
}

fn purpose(name: &str) -> (&'static str, Vec<&'static str>) {
    let (summary, answer) = match name {
        "chat" => ("Says something.", "ack"),
        "typing" => ("Shows or ends that somebody is writing.", "ack"),
        "read" => ("Everything up to this message is read.", "ack"),
        "ping" => ("Asks whether the connection works.", "pong"),
        "join_room" => ("Joins a room, and asks for its past.", "joined"),
        "leave_room" => ("Leaves a room.", "left"),
        "history" => ("Asks for a page of a room's past.", "history"),
        "edit" => ("Gives a message another text.", "ack"),
        "delete" => ("Withdraws a message.", "ack"),
        "react" => ("Puts an emoji on a message, or takes it off.", "ack"),
        "signal" => ("A step of a call, for all connections of another user who shares a chat.", "ack"),
        "get_users" => ("Asks who is online.", "users"),
        "get_stats" => ("Asks how many there are.", "stats"),
        "refresh" => ("Goes on by a fresh token.", "ack"),
        "announce" => ("Announces something to many.", "ack"),
        name => panic!("{name} is not described here"),
    };
    (summary, vec![answer, "error"])
}
