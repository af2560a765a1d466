//! `/socket.io/`: two vocabularies behind one door.

use serde_json::{Value, json};
use wire::types::{Field, Shape, Spec};

use super::{Door, Frames, asks};
use crate::document::client::Ask;
use crate::document::server::{Tell, answer, tell};
use crate::document::shapes::{
    anything, attachments, client_id, constant, count, epoch, flag, id, list, message_type, room, seq,
    shared_as, text, time, unreadable, user, username, word,
};

pub(super) fn door() -> Door {
    Door {
        name: "socketio",
        address: "/socket.io/",
        title: "Socket.IO",
        description: "Engine.IO 4 and Socket.IO 5, for stock clients of versions 3 and 4; WebSocket, long polling and the upgrade. \
            One namespace, `/`. A message here is an event: its name, and as payload its one argument. What is called `ack` is \
            what the callback is called with, where the client passes one; without it a refusal is the event `error`. In `chat:…` \
            a socket hears the vocabulary of chats, in `room:…` that of live rooms (`tags`). Where clients can recover, events \
            with `x-place` have one more argument behind the payload: an opaque text, which stock clients hand back.",
        parameters: json!({}),
        query: query(),
        frames: Frames::Events,
        asks: events(),
        tells: [acknowledgements(), chats(), live_rooms(), both()].into_iter().flatten().collect(),
    }
}

fn query() -> Value {
    json!({
        "EIO": { "const": "4", "description": "The version of Engine.IO." },
        "transport": word(&["polling", "websocket"]),
        "sid": text("The session, once it is open. Secret."),
        "token": text("A JSON Web Token, where it is nowhere else."),
    })
}

/// CONNECT is the door's own; the rest is what the table says.
fn events() -> Vec<Ask> {
    const AUTH: &[Field] = &[
        Field::optional("token", "a JSON Web Token").of(Shape::Text),
        Field::optional("pid", "the secret of the connection that was lost").of(Shape::Text),
        Field::optional("offset", "the last place that it was told").of(Shape::Text),
    ];
    let spec = Spec { name: "connect", role: domain::words::Role::User, cost: 0, fields: AUTH };
    let extra = json!({ "description": "The packet CONNECT with the client's `auth`; no event." });
    let answers = vec!["connected", "connect_error"];
    let connect = Ask { spec, summary: "Comes in.", answers, extra };
    let mut asks = asks(wire::socketio::types(), purpose);
    for ask in &mut asks {
        ask.extra = tagged(vocabulary(ask.spec.name));
    }
    asks.insert(0, connect);
    asks
}

fn vocabulary(name: &str) -> &'static [&'static str] {
    match name {
        "join_room" | "leave_room" | "send_message" => &["live"],
        "refresh" => &["chat", "live"],
        _ => &["chat"],
    }
}

fn tagged(vocabularies: &[&str]) -> Value {
    let tags: Vec<_> = vocabularies.iter().map(|name| json!({ "name": name })).collect();
    json!({ "tags": tags })
}

fn purpose(name: &str) -> (&'static str, Vec<&'static str>) {
    let (summary, answers): (_, &[&str]) = match name {
        "chat:join" => ("Joins a chat's live room, and asks for what was missed.", &["ack.joined"]),
        "chat:leave" => ("Leaves a chat's live room; the membership stays.", &["ack"]),
        "message:send" => ("Says something in a chat.", &["ack.accepted"]),
        "message:read" => ("Everything up to this message is read.", &["ack"]),
        "message:edit" => ("Gives a message another text.", &["ack.accepted"]),
        "message:delete" => ("Withdraws a message.", &["ack.accepted"]),
        "message:react" => ("Puts an emoji on a message, or takes it off.", &["ack.accepted", "ack"]),
        "typing:start" => ("Shows that somebody is writing.", &["ack"]),
        "typing:stop" => ("Ends that.", &["ack"]),
        "call:signal" => ("A step of a call, for another user who shares a chat.", &["ack"]),
        "join_room" => ("Joins a live room; every other one is left first.", &["ack.joined"]),
        "leave_room" => ("Leaves a live room.", &["ack"]),
        "send_message" => {
            ("Says something in a live room. Further fields are carried as they are.", &["ack.accepted"])
        }
        "refresh" => ("Goes on by a fresh token.", &["ack"]),
        name => panic!("{name} is not described here"),
    };
    (summary, [answers, &["ack.refused", "error"]].concat())
}

fn acknowledgements() -> Vec<Tell> {
    let ok = || constant(true);
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

fn chats() -> Vec<Tell> {
    vec![
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
        ),
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
