//! Answers from the short descriptions in transcripts.

use std::time::Duration;

use domain::dialect::{Allowance, Answer, Welcome};
use domain::ports::{Attendance, Attendee, Published, Tally};
use domain::words::{Code, Fault, Position, RoomRef, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::scene::{MESSAGE, SENT_AT, Told, form, happened, message, message_id, named_author, room};

fn open() -> String {
    "room".into()
}

/// One answer: `{"left":{"room":"7","form":"number"}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
enum Said {
    #[serde(rename_all = "camelCase")]
    Joined {
        #[serde(default = "open")]
        namespace: String,
        room: String,
        form: String,
        seq: u64,
        epoch: u64,
        recovered: Option<bool>,
        history: Vec<Told>,
        members: u64,
    },
    Left {
        #[serde(default = "open")]
        namespace: String,
        room: String,
        form: String,
    },
    Accepted {
        seq: u64,
    },
    Done,
    Welcome {
        connection: Box<str>,
        recovery: Option<Box<str>>,
        user: Option<Value>,
        users: Option<Vec<(Value, Option<String>, u64)>>,
        #[serde(default)]
        count: u64,
        #[serde(default)]
        event: Option<String>,
    },
    #[serde(rename_all = "camelCase")]
    History {
        #[serde(default = "open")]
        namespace: String,
        room: String,
        form: String,
        messages: Vec<Told>,
        next_before: Option<u64>,
    },
    Users {
        users: Vec<(Value, Option<String>, u64)>,
        count: u64,
    },
    Stats {
        connections: u64,
        users: u64,
        nodes: u64,
        subscribers: u64,
    },
    Pong,
    Custom(Box<str>),
    Stored {
        #[serde(default = "open")]
        namespace: String,
        room: String,
        form: String,
        seq: u64,
        epoch: u64,
    },
    Expelled {
        #[serde(default = "open")]
        namespace: String,
        room: String,
        form: String,
    },
    #[serde(rename_all = "camelCase")]
    Refused {
        code: String,
        message: String,
        retry_after_ms: Option<u64>,
    },
    #[serde(rename_all = "camelCase")]
    Reconnect {
        retry_after_ms: u64,
    },
    #[serde(rename_all = "camelCase")]
    TokenExpiring {
        in_ms: u64,
    },
}

/// An answer.
pub(crate) fn answer(description: &str) -> Answer {
    match serde_json::from_str(description).expect("a description of an answer") {
        Said::Joined { namespace, room, form, seq, epoch, recovered, history, members } => Answer::Joined {
            room: named(&namespace, &room, &form),
            head: Position { epoch, seq },
            recovered,
            history: history.into_iter().map(happened).collect(),
            members,
            at: Timestamp(SENT_AT),
        },
        Said::Left { namespace, room, form } => Answer::Left { room: named(&namespace, &room, &form) },
        Said::Done => Answer::Done,
        Said::Welcome { connection, recovery, user, users, count, event } => {
            Answer::Welcome(Box::new(Welcome {
                connection,
                recovery,
                user: named_author(&user.unwrap_or_else(|| "anna".into()), None).user,
                attendance: users.map(|users| attendance(&users, count)),
                room: event.map(|event| named("event", &event, "number")),
                limits: ALLOWANCE,
                at: Timestamp(SENT_AT),
            }))
        }
        Said::History { namespace, room, form, messages, next_before } => Answer::History {
            room: named(&namespace, &room, &form),
            messages: messages.into_iter().map(message).collect(),
            next_before,
        },
        Said::Users { users, count } => Answer::Users(attendance(&users, count)),
        Said::Stats { connections, users, nodes, subscribers } => {
            Answer::Stats { tally: Tally { connections, users, nodes }, subscribers }
        }
        Said::Pong => Answer::Pong { at: Timestamp(SENT_AT) },
        Said::Custom(text) => Answer::Custom(text),
        Said::Stored { namespace, room, form, seq, epoch } => {
            Answer::Stored { room: named(&namespace, &room, &form), through: Position { epoch, seq } }
        }
        Said::Expelled { namespace, room, form } => {
            Answer::Expelled { room: named(&namespace, &room, &form) }
        }
        Said::Accepted { seq } => Answer::Accepted {
            published: Published {
                position: Position { epoch: 1, seq },
                id: message_id(MESSAGE),
                repeated: false,
            },
        },
        Said::Refused { code, message, retry_after_ms } => Answer::Refused(Fault {
            code: coded(&code),
            message: message.into(),
            retry_after: retry_after_ms.map(Duration::from_millis),
        }),
        Said::Reconnect { retry_after_ms } => {
            Answer::Reconnect { retry_after: Duration::from_millis(retry_after_ms) }
        }
        Said::TokenExpiring { in_ms } => Answer::TokenExpiring { remaining: Duration::from_millis(in_ms) },
    }
}

const ALLOWANCE: Allowance =
    Allowance { frame: 65_536, text: 8192, rooms: 100, commands_per_second: 20, commands_burst: 40 };

fn attendance(users: &[(Value, Option<String>, u64)], count: u64) -> Attendance {
    let attendee = |(id, name, connections): &(Value, Option<String>, u64)| Attendee {
        who: named_author(id, name.as_deref()),
        connections: *connections,
    };
    Attendance {
        users: users.iter().map(attendee).collect(),
        tally: Tally { connections: 9, users: count, nodes: 2 },
    }
}

fn named(namespace: &str, name: &str, as_written: &str) -> RoomRef {
    RoomRef { id: room(namespace, name), form: form(as_written) }
}

fn coded(name: &str) -> Code {
    let codes = [
        Code::NotInRoom,
        Code::RateLimited,
        Code::Overloaded,
        Code::Forbidden,
        Code::NotFound,
        Code::TokenExpired,
        Code::TooManyConnections,
    ];
    codes.into_iter().find(|code| code.as_str() == name).expect("a code that transcripts use")
}
