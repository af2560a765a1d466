//! What is told: answers, what has a place in a room, what passes, and what concerns the connection.

use serde_json::{Value, json};

use crate::document::doors::rooms::{error, reconnect, resync};
use crate::document::server::{Tell, answer, tell};
use crate::document::shapes::{
    anything, attachments, client_id, constant, count, epoch, flag, id, list, mark, room, seq, shared_as,
    text, time, unreadable, unusual_type, user, username, word,
};

/// Every message of the server.
pub(super) fn all() -> Vec<Tell> {
    [answers(), messages(), changes(), signs(), others()].into_iter().flatten().collect()
}

fn answers() -> Vec<Tell> {
    vec![
        answer(
            "joined",
            "The room is joined; the live flow starts after this.",
            [
                ("roomId", room()),
                ("seq", seq()),
                ("epoch", epoch()),
                ("recovered?", flag("With `since` alone: whether everything that was missed is shown.")),
                ("history", page(&["chat", "chat.deleted", "edited", "deleted", "reaction"])),
                ("members", count("Distinct users in the room, this one included.")),
                ("ref?", mark()),
            ],
        ),
        answer("left", "The room is left.", [("roomId", room()), ("ref?", mark())]),
        answer(
            "ack",
            "The request is done. Where it has a place in a room, that is told.",
            [("ref?", mark()), ("id?", id()), ("seq?", seq()), ("epoch?", epoch())],
        ),
        answer(
            "history",
            "A page of a room's past, oldest first.",
            [
                ("roomId", room()),
                ("messages", page(&["chat", "chat.deleted"])),
                ("nextBefore?", seq()),
                ("ref?", mark()),
            ],
        ),
        answer(
            "users",
            "Who is online, newest first.",
            [
                ("users", present()),
                ("userCount", count("Distinct users who are online.")),
                ("usersTruncated?", truncated()),
                ("ref?", mark()),
            ],
        ),
        answer(
            "stats",
            "How many there are, in the whole cluster.",
            [("data", shared_as("Tally")), ("ref?", mark())],
        ),
        answer("pong", "The connection works.", [("timestamp", time()), ("ref?", mark())]),
    ]
}

/// Messages, live and in pages.
fn messages() -> Vec<Tell> {
    vec![
        tell(
            "chat",
            "A message.",
            [
                ("roomId", room()),
                ("message", text("The text; empty where it is unreadable.")),
                ("userId", user()),
                ("username?", username()),
                ("id", id()),
                ("seq", seq()),
                ("epoch", epoch()),
                ("sentAt", time()),
                ("editedAt?", time()),
                ("clientId?", client_id()),
                ("messageType?", unusual_type()),
                ("replyTo?", id()),
                ("attachments?", attachments()),
                ("unreadable?", unreadable()),
            ],
        ),
        tell(
            "chat",
            "What is left of a message that was withdrawn; in pages and replays.",
            [("roomId", room()), ("id", id()), ("seq", seq()), ("epoch", epoch()), ("deletedAt", time())],
        )
        .called("chat.deleted"),
    ]
}

/// What is done to a message, and to a room's numbers.
fn changes() -> Vec<Tell> {
    vec![
        tell(
            "edited",
            "A message has another text.",
            [
                ("roomId", room()),
                ("id", id()),
                ("message", text("The new text; empty where it is unreadable.")),
                ("userId", user()),
                ("seq", seq()),
                ("epoch", epoch()),
                ("editedAt", time()),
                ("unreadable?", unreadable()),
            ],
        ),
        tell(
            "deleted",
            "A message was withdrawn.",
            [("roomId", room()), ("id", id()), ("userId", user()), ("seq", seq()), ("epoch", epoch())],
        ),
        tell(
            "reaction",
            "An emoji was put on a message or taken off it.",
            [
                ("roomId", room()),
                ("id", id()),
                ("userId", user()),
                ("emoji", text("The emoji; empty where it is unreadable.")),
                ("removed", flag("Whether it was taken off.")),
                ("seq", seq()),
                ("epoch", epoch()),
                ("unreadable?", unreadable()),
            ],
        ),
        resync(),
    ]
}

/// What passes without a place.
fn signs() -> Vec<Tell> {
    vec![
        tell(
            "typing",
            "Somebody began or ceased to write.",
            [
                ("roomId", room()),
                ("userId", user()),
                ("username?", username()),
                ("active", flag("Whether it began.")),
            ],
        ),
        tell(
            "read",
            "Somebody has read everything up to this message.",
            [("roomId", room()), ("id", id()), ("userId", user())],
        ),
        tell(
            "members",
            "Users came into or left a room that this client joined.",
            [
                ("roomId", room()),
                ("count", count("Distinct users in the room.")),
                ("joined?", list(&shared_as("Person"))),
                ("left?", list(&shared_as("Person"))),
            ],
        ),
        tell(
            "user_status",
            "A user's first connection came, or their last one is gone.",
            [
                ("userId", user()),
                ("username?", username()),
                ("status", word(&["online", "offline"])),
                ("users", count("Distinct users who are online.")),
            ],
        ),
        tell(
            "announcement",
            "An operator or a service has something to say.",
            [("message", text("The text.")), ("from", user())],
        ),
        tell(
            "signal",
            "A step of a call.",
            [
                ("from", user()),
                ("kind", word(&["offer", "answer", "ice", "hangup", "ring"])),
                ("data", anything("Whatever the other client sent.")),
            ],
        ),
        seats("booking_created", "Seats were taken; heard in a room `event:…`."),
        seats("booking_cancelled", "Seats were given back; heard in a room `event:…`."),
    ]
}

fn others() -> Vec<Tell> {
    vec![
        tell(
            "welcome",
            "The connection is open.",
            [
                ("connectionId", text("This connection.")),
                ("userId", user()),
                ("users", present()),
                ("userCount", count("Distinct users who are online.")),
                ("usersTruncated?", truncated()),
                ("limits", shared_as("Limits")),
                ("serverTime", time()),
            ],
        ),
        tell(
            "stored",
            "Everything of the room up to here is in the database.",
            [("roomId", room()), ("epoch", epoch()), ("seq", seq())],
        ),
        error(),
        tell(
            "error",
            "The client was put out of a chat.",
            [("code", constant("not_a_participant")), ("message", text("For people.")), ("roomId", room())],
        )
        .called("error.expelled"),
        tell(
            "token_expiring",
            "The token is about to end; `refresh` hands in another one.",
            [("inMs", count("When it ends."))],
        ),
        reconnect(),
    ]
}

fn seats(name: &'static str, summary: &'static str) -> Tell {
    tell(
        name,
        summary,
        [
            ("roomId", room()),
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

fn page(kinds: &[&str]) -> Value {
    let kinds: Vec<_> = kinds.iter().map(|kind| shared_as(&format!("hub.tell.{kind}"))).collect();
    list(&json!({ "anyOf": kinds }))
}

fn present() -> Value {
    list(&shared_as("Present"))
}

fn truncated() -> Value {
    json!({ "const": true, "description": "There are more users than are shown." })
}
