//! The shapes that stand in the document under a name of their own.

use serde_json::{Value, json};

use super::circumstances;
use super::shapes::{count, id, short, text, user, username};

/// Characters of a room's name.
const NAME: &str = "[A-Za-z0-9_.:-]{1,128}";
/// 2^53 - 1: integers up to here survive every JSON implementation.
const LARGEST: u64 = (1 << 53) - 1;

/// The shared shapes, by name.
pub(super) fn shared() -> Vec<(&'static str, Value)> {
    [rooms_and_users(), numbers_and_words(), objects()].concat()
}

fn rooms_and_users() -> Vec<(&'static str, Value)> {
    vec![
        ("RoomName", room_name()),
        ("RoomKey", room_key()),
        ("WrittenEventId", written_event_id()),
        (
            "Room",
            json!({
                "type": ["string", "integer"],
                "description": "A room as this client wrote it: with the same name, and of the same type.",
            }),
        ),
        ("EventId", json!({ "type": "integer", "minimum": 0, "maximum": LARGEST })),
        ("UserId", user_id()),
        ("Id", json!({ "type": "string", "format": "uuid", "description": "A UUID with hyphens." })),
    ]
}

fn numbers_and_words() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Ref",
            json!({
                "type": ["string", "number", "boolean", "null"],
                "maxLength": 128,
                "description": "The client's own mark on a request, of at most 128 characters as written. Answers repeat it; null is none.",
            }),
        ),
        (
            "Time",
            json!({
                "type": "string",
                "format": "date-time",
                "description": "RFC 3339, UTC, milliseconds.",
            }),
        ),
        (
            "Seq",
            json!({
                "type": "integer",
                "minimum": 0,
                "description": "The number of an event in its room: within an epoch they rise by one.",
            }),
        ),
        (
            "Epoch",
            json!({
                "type": "integer",
                "minimum": 1,
                "description": "A new one begins where numbers may have been lost.",
            }),
        ),
        (
            "Code",
            json!({
                "type": "string",
                "enum": circumstances::codes(),
                "description": "For programs; `x-error-codes` says what each one means.",
            }),
        ),
        (
            "Unreadable",
            json!({
                "type": "string",
                "enum": ["key_missing", "key_wrong", "damaged"],
                "description": "Why the text is empty: what is stored cannot be opened.",
            }),
        ),
    ]
}

fn objects() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Attachment",
            object([
                ("id", id()),
                ("name", text("The file's name.")),
                ("type", text("Its media type.")),
                ("size", count("Its size in bytes.")),
            ]),
        ),
        ("Person", object([("userId", user()), ("username", username())])),
        (
            "Present",
            object([
                ("userId", user()),
                ("username", username()),
                ("connections", count("How many connections this user has.")),
            ]),
        ),
        (
            "Tally",
            object([
                ("totalConnections", count("Connections in the cluster.")),
                ("totalUsers", count("Distinct users in the cluster.")),
                (
                    "subscribers",
                    count("Distinct users who watch the event that this connection watches; else 0."),
                ),
                ("nodes", count("Nodes in the cluster.")),
            ]),
        ),
        (
            "Limits",
            object([
                ("frame", count("Longest frame, in bytes. 0, here and below: no limit.")),
                ("text", count("Longest text, in characters after trimming.")),
                ("rooms", count("Rooms that one connection may have joined.")),
                ("commandsPerSecond", count("Commands a second.")),
                ("commandsBurst", count("Commands at once.")),
            ]),
        ),
    ]
}

fn room_name() -> Value {
    json!({
        "anyOf": [
            { "type": "string", "pattern": format!("^{NAME}$") },
            { "type": "integer", "minimum": 0, "maximum": LARGEST },
        ],
        "description": "A room's name without its namespace. `7` and `\"7\"` are one room.",
    })
}

fn room_key() -> Value {
    json!({
        "anyOf": [
            {
                "type": "string",
                "pattern": format!("^((chat|event|room):)?{NAME}$"),
                "not": { "pattern": "^((user|lobby):|(chat|event|room):$)" },
            },
            { "type": "integer", "minimum": 0, "maximum": LARGEST },
        ],
        "description": "`lobby`, a key that begins with `chat:`, `event:` or `room:`, or a name in `room`.",
    })
}

fn written_event_id() -> Value {
    json!({
        "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": LARGEST },
            { "type": "string", "pattern": "^0*[0-9]{1,16}$" },
        ],
        "description": "An event's number from 0 to 2^53 - 1, or its digits.",
    })
}

fn user_id() -> Value {
    json!({
        "anyOf": [
            short(128),
            { "type": "integer", "minimum": -9_007_199_254_740_992_i64, "maximum": 9_007_199_254_740_992_i64 },
        ],
        "description": "A user, in the type of that user's own token. `7` and `\"7\"` are one user.",
    })
}

/// An object. A user's name alone may be absent.
fn object<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    let required: Vec<_> = fields.iter().map(|(name, _)| *name).filter(|name| *name != "username").collect();
    let properties: serde_json::Map<_, _> =
        fields.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}
