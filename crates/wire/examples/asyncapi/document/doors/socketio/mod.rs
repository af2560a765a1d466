//! `/socket.io/`: two vocabularies behind one door.

mod tells;

use serde_json::{Value, json};
use wire::types::{Field, Shape, Spec};

use super::{Door, Frames, asks};
use crate::document::client::Ask;
use crate::document::shapes::{text, word};

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
        tells: tells::all(),
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
