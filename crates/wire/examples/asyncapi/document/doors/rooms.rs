//! `GET /`: rooms over a raw WebSocket.

use serde_json::json;

use super::{Door, Frames, asks, token};
use crate::document::server::{Tell, answer, tell};
use crate::document::shapes::{
    attachments, client_id, count, epoch, flag, id, list, mark, room, seq, shared_as, text, time, unreadable,
    unusual_type, user, username,
};

pub(super) fn door() -> Door {
    Door {
        name: "rooms",
        address: "/",
        title: "Rooms",
        description: "JSON objects, one a frame, text or binary UTF-8. A room is a bare name in `room`. The sender's own message \
            comes back to it: that is the acknowledgement. A missing or bad token: the upgrade is completed and the socket \
            closed with 1008.",
        parameters: json!({}),
        query: token(),
        frames: Frames::Objects,
        asks: asks(wire::rooms::types(), purpose),
        tells: tells(),
    }
}

fn purpose(name: &str) -> (&'static str, Vec<&'static str>) {
    match name {
        "join_room" => ("Joins a room, and asks for its past.", vec!["joined", "error"]),
        "leave_room" => ("Leaves a room.", vec!["left", "error"]),
        "chat" => ("Says something in a room that was joined.", vec!["chat", "error"]),
        name => panic!("{name} is not described here"),
    }
}

fn tells() -> Vec<Tell> {
    vec![
        answer(
            "joined",
            "The room is joined; the live flow starts after this.",
            [
                ("roomId", room()),
                ("seq", seq()),
                ("epoch", epoch()),
                ("recovered?", flag("With `since` alone: whether everything that was missed is shown.")),
                ("history", list(&shared_as("rooms.tell.chat"))),
                ("members", count("Distinct users in the room, this one included.")),
            ],
        ),
        answer("left", "The room is left.", [("roomId", room())]),
        tell(
            "chat",
            "A message, the sender's own included.",
            [
                ("roomId", room()),
                ("message", text("The text; empty where it is unreadable.")),
                ("userId", user()),
                ("username?", username()),
                ("id", id()),
                ("seq", seq()),
                ("epoch", epoch()),
                ("sentAt", time()),
                ("clientId?", client_id()),
                ("messageType?", unusual_type()),
                ("replyTo?", id()),
                ("attachments?", attachments()),
                ("unreadable?", unreadable()),
            ],
        ),
        error(),
        resync(),
        reconnect(),
    ]
}

pub(super) fn error() -> Tell {
    tell(
        "error",
        "A request was refused, or the connection is about to end. The connection itself stays otherwise.",
        [
            ("code", shared_as("Code")),
            ("message", text("For people.")),
            ("ref?", mark()),
            ("retryAfterMs?", count("When it is worth trying again.")),
        ],
    )
}

pub(super) fn resync() -> Tell {
    tell(
        "resync",
        "A new epoch begins behind this position: the broker lost or may have lost something.",
        [("roomId", room()), ("epoch", epoch()), ("seq", seq())],
    )
}

pub(super) fn reconnect() -> Tell {
    tell(
        "reconnect",
        "This node is going down; the close with 4001 follows.",
        [("retryAfterMs", count("When to come back."))],
    )
}
