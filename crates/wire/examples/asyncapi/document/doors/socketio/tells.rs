//! What is told: acknowledgements, the two vocabularies, and what both have.

use serde_json::{Value, json};

use super::tagged;
use crate::document::server::{Tell, answer, tell};
use crate::document::shapes::{
    anything, attachments, client_id, constant, count, epoch, flag, id, list, message_type, room, seq,
    shared_as, text, time, unreadable, user, username, word,
};

/// Every message of the server.
pub(super) fn all() -> Vec<Tell> {
    let parts = [entrance(), acknowledgements(), vec![message()], changes(), passing(), live_rooms(), both()];
    parts.into_iter().flatten().collect()
}

/// Packets that are no events.
fn entrance() -> Vec<Tell> {
    vec![
        answer(
            "connected",
            "The client is in; the packet CONNECT, no event.",
            [
                ("sid", text("`socket.id`.")),
                ("pid?", text("The secret by which a lost connection is recovered.")),
            ],
        ),
        answer(
            "connect_error",
            "The client is refused; the packet CONNECT_ERROR, no event.",
            [
                ("message", text("`Authentication error`, `too_many_connections` or `Invalid namespace`.")),
                (
                    "data?",
                    json!({
                        "type": "object",
                        "required": ["code"],
                        "properties": { "code": shared_as("Code") },
                    }),
                ),
            ],
        ),
    ]
}

fn acknowledgements() -> Vec<Tell> {
    let ok = || constant(true);
    vec![
        answer("ack", "The request is done.", [("ok", ok())]),
        answer(
            "ack",
            "The chat is joined; what was missed came before.",
            [
                ("ok", ok()),
                ("chatId?", room()),
                ("roomId?", room()),
                ("seq", seq()),
                ("epoch", epoch()),
                ("members", count("Distinct users in the room, this one included.")),
                ("recovered?", flag("With `since` alone: whether everything that was missed is shown.")),
            ],
        )
        .called("ack.joined"),
        answer(
            "ack",
            "It is accepted, and stands here.",
            [("ok", ok()), ("id", id()), ("seq", seq()), ("epoch", epoch())],
        )
        .called("ack.accepted"),
        answer(
            "ack",
            "It is refused.",
            [
                ("ok", constant(false)),
                (
                    "error",
                    json!({
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {
                            "code": shared_as("Code"),
                            "message": text("For people."),
                            "retryAfterMs": count("When it is worth trying again."),
                        },
                    }),
                ),
            ],
        )
        .called("ack.refused"),
    ]
}

fn chat(tell: Tell) -> Tell {
    tell.with(tagged(&["chat"]))
}

fn numbered(tell: Tell, vocabularies: &[&str]) -> Tell {
    let mut extra = tagged(vocabularies);
    extra["x-place"] = true.into();
    tell.with(extra)
}

fn message() -> Tell {
    numbered(
        tell(
            "message:new",
            "A message, the sender's own included.",
            [
                ("id", id()),
                ("chat_id", room()),
                ("content", text("The text; empty where it is unreadable.")),
                ("message_type", message_type()),
                (
                    "sender",
                    json!({
                        "type": "object",
                        "required": ["id"],
                        "properties": { "id": user(), "username": username() },
                    }),
                ),
                ("created_at", time()),
                ("seq", seq()),
                ("epoch", epoch()),
                ("client_id?", client_id()),
                ("reply_to?", id()),
                ("attachments", attachments()),
                ("unreadable?", unreadable()),
            ],
        ),
        &["chat"],
    )
}

/// What is done to a message; it has a number like one.
fn changes() -> Vec<Tell> {
    vec![
        numbered(
            tell(
                "message:edited",
                "A message has another text.",
                [
                    ("chatId", room()),
                    ("messageId", id()),
                    ("content", text("The new text; empty where it is unreadable.")),
                    ("editedAt", time()),
                    ("seq", seq()),
                    ("unreadable?", unreadable()),
                ],
            ),
            &["chat"],
        ),
        numbered(
            tell(
                "message:deleted",
                "A message was withdrawn.",
                [("chatId", room()), ("messageId", id()), ("seq", seq())],
            ),
            &["chat"],
        ),
        numbered(
            tell(
                "message:reaction",
                "An emoji was put on a message or taken off it.",
                [
                    ("chatId", room()),
                    ("messageId", id()),
                    ("userId", user()),
                    ("emoji", text("The emoji; empty where it is unreadable.")),
                    ("removed", flag("Whether it was taken off.")),
                    ("seq", seq()),
                    ("unreadable?", unreadable()),
                ],
            ),
            &["chat"],
        ),
    ]
}

/// What passes without a number.
fn passing() -> Vec<Tell> {
    vec![
        chat(tell(
            "message:read",
            "Somebody has read everything up to this message.",
            [("messageId", id()), ("userId", user()), ("chatId", room())],
        )),
        chat(tell(
            "typing:start",
            "Somebody is writing.",
            [("chatId", room()), ("userId", user()), ("username?", username())],
        )),
        chat(tell(
            "typing:stop",
            "Somebody is not writing any more.",
            [("chatId", room()), ("userId", user())],
        )),
        chat(tell(
            "user:status",
            "Somebody who shares a chat came online or went offline.",
            [("userId", user()), ("status", word(&["online", "offline"])), ("lastSeen?", time())],
        )),
        chat(tell(
            "call:signal",
            "A step of a call.",
            [
                ("from", user()),
                ("kind", word(&["offer", "answer", "ice", "hangup", "ring"])),
                ("data", anything("Whatever the other client sent.")),
            ],
        )),
    ]
}

fn live_rooms() -> Vec<Tell> {
    vec![
        numbered(
            tell(
                "receive_message",
                "A message, the sender's own included, with the sender's further fields.",
                [
                    ("roomId", room()),
                    ("text", text("The text; empty where it is unreadable.")),
                    ("userId", user()),
                    ("username?", username()),
                    ("id", id()),
                    ("seq", seq()),
                    ("epoch", epoch()),
                    ("sentAt", time()),
                    ("clientId?", client_id()),
                    ("unreadable?", unreadable()),
                ],
            ),
            &["live"],
        )
        .open(),
        tell(
            "room_members",
            "Who is in the room, whenever a user came or went.",
            [
                ("roomId", room()),
                ("members", list(&shared_as("Person"))),
                ("count", count("Distinct users in the room. Where there are very many, nobody is listed.")),
            ],
        )
        .with(tagged(&["live"])),
    ]
}

fn both() -> Vec<Tell> {
    vec![
        numbered(
            tell(
                "resync",
                "A new epoch begins behind this position: the broker lost or may have lost something.",
                mark(),
            ),
            &["chat", "live"],
        ),
        tell("stored", "Everything of the room up to here is in the database.", mark()),
        tell(
            "error",
            "A request without a callback was refused, the client was put out of a chat, or the connection is about to end.",
            [
                ("code", shared_as("Code")),
                ("message", text("For people.")),
                ("retryAfterMs?", count("When it is worth trying again.")),
                ("chatId?", room()),
                ("roomId?", room()),
            ],
        ),
        tell(
            "announcement",
            "An operator or a service has something to say.",
            [("message", text("The text.")), ("from", user())],
        ),
        tell(
            "token_expiring",
            "The token is about to end; `refresh` hands in another one.",
            [("inMs", count("When it ends."))],
        ),
        tell(
            "reconnect",
            "This node is going down; the transport is closed next.",
            [("retryAfterMs", count("When to come back."))],
        ),
    ]
}

/// A place in a chat or in a live room.
fn mark() -> [(&'static str, Value); 4] {
    [("chatId?", room()), ("roomId?", room()), ("epoch", epoch()), ("seq", seq())]
}
