//! Events and answers from the short descriptions in transcripts. What a description leaves out has a
//! fixed value, so that a line shows only what it is about.

use std::time::Duration;

use domain::dialect::Answer;
use domain::ports::Published;
use domain::words::{
    Amendment, Attachment, Author, ClientId, Code, Content, Event, Fault, Form, Message, MessageId,
    MessageType, Position, RoomId, RoomRef, Sign, Signal, SignalKind, Timestamp, Unreadable, UserId,
};
use serde::Deserialize;
use serde_json::Value;

/// 2026-11-20T18:59:03.120Z
const SENT_AT: i64 = 1_795_201_143_120;
const MESSAGE: &str = "\"0193481f-6b20-7000-8000-0000000000aa\"";

/// One event or message: `{"kind":"message","room":"7","form":"number","user":7,"text":"hi"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Told {
    kind: String,
    namespace: String,
    room: String,
    form: String,
    user: Value,
    username: Option<String>,
    text: String,
    seq: u64,
    epoch: u64,
    client_id: Option<String>,
    message_type: String,
    reply_to: Option<Value>,
    attachments: Vec<Attachment>,
    unreadable: Option<String>,
    deleted: bool,
    extra: Option<Box<str>>,
    members: Vec<(Value, Option<String>)>,
    count: u64,
    last_seen: bool,
    step: String,
    data: Box<str>,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            kind: "message".into(),
            namespace: "room".into(),
            room: "lounge".into(),
            form: "text".into(),
            user: "anna".into(),
            username: None,
            text: "hello".into(),
            seq: 1,
            epoch: 1,
            client_id: None,
            message_type: "text".into(),
            reply_to: None,
            attachments: Vec::new(),
            unreadable: None,
            deleted: false,
            extra: None,
            members: Vec::new(),
            count: 0,
            last_seen: false,
            step: "offer".into(),
            data: "null".into(),
        }
    }
}

/// An event, and the form in which its room is written.
pub(crate) fn event(description: &str) -> (Event, Form) {
    let told: Told = serde_json::from_str(description).expect("a description of an event");
    let form = form(&told.form);
    (happened(told), form)
}

fn happened(told: Told) -> Event {
    match told.kind.as_str() {
        "message" => Event::Message(message(told)),
        "edited" => Event::Edited(amendment(told)),
        "deleted" => Event::Deleted(amendment(told)),
        "reacted" => Event::Reacted(amendment(told)),
        "unreacted" => Event::Unreacted(amendment(told)),
        "resync" => Event::Resync { room: place(&told), position: position(&told) },
        kind => Event::Sign { room: place(&told), sign: sign(kind, &told) },
    }
}

fn sign(kind: &str, told: &Told) -> Sign {
    let who = author(told);
    let last_seen = told.last_seen.then_some(Timestamp(SENT_AT));
    match kind {
        "writes" => Sign::Typing { who, active: true },
        "stops" => Sign::Typing { who, active: false },
        "read" => Sign::Read { message: message_id(MESSAGE), reader: who.user },
        "online" => Sign::Status { who, online: true, last_seen },
        "offline" => Sign::Status { who, online: false, last_seen },
        "members" => {
            let member = |(id, name): &(Value, Option<String>)| named_author(id, name.as_deref());
            Sign::Members { members: told.members.iter().map(member).collect(), count: told.count }
        }
        "signal" => {
            let kind = SignalKind::parse(&told.step).expect("a known step");
            Sign::Signal(Signal { from: who.user, kind, data: told.data.clone() })
        }
        kind => panic!("no event is called {kind}"),
    }
}

fn message(told: Told) -> Message {
    Message {
        room: place(&told),
        position: position(&told),
        id: message_id(MESSAGE),
        author: author(&told),
        client_id: told.client_id.as_deref().map(|id| ClientId::parse(id).expect("a legal client id")),
        sent_at: Timestamp(SENT_AT),
        edited_at: None,
        deleted_at: told.deleted.then_some(Timestamp(SENT_AT + 1)),
        content: content(told),
    }
}

fn amendment(told: Told) -> Amendment {
    Amendment {
        room: place(&told),
        position: position(&told),
        target: message_id(MESSAGE),
        author: author(&told),
        at: Timestamp(SENT_AT),
        content: content(told),
    }
}

fn content(told: Told) -> Result<Content, Unreadable> {
    match told.unreadable.as_deref() {
        Some("key_missing") => return Err(Unreadable::KeyMissing),
        Some("key_wrong") => return Err(Unreadable::KeyWrong),
        Some("damaged") => return Err(Unreadable::Damaged),
        Some(reason) => panic!("no reason is called {reason}"),
        None => {}
    }
    let reply_to = told.reply_to.map(|id| message_id(&id.to_string()));
    let mut content = Content::text(told.text);
    content.message_type = MessageType::parse(&told.message_type).expect("a known type");
    content.attachments = told.attachments;
    content.extra = told.extra;
    Ok(content.replying_to(reply_to))
}

fn author(told: &Told) -> Author {
    named_author(&told.user, told.username.as_deref())
}

fn named_author(id: &Value, name: Option<&str>) -> Author {
    let user = match id {
        Value::Number(number) => UserId::number(number.as_i64().expect("an integer")),
        user => UserId::text(user.as_str().expect("a string or a number")),
    };
    Author { user: user.expect("a legal user id"), name: name.map(Into::into) }
}

fn position(told: &Told) -> Position {
    Position { epoch: told.epoch, seq: told.seq }
}

fn place(told: &Told) -> RoomId {
    room(&told.namespace, &told.room)
}

fn room(namespace: &str, name: &str) -> RoomId {
    RoomId::parse(&format!("{namespace}:{name}")).expect("a legal room")
}

fn open() -> String {
    "room".into()
}

fn message_id(json: &str) -> MessageId {
    MessageId(serde_json::from_str(json).expect("a UUID in quotes"))
}

fn form(name: &str) -> Form {
    match name {
        "text" => Form::Text,
        "number" => Form::Number,
        "key" => Form::Key,
        name => panic!("no form is called {name}"),
    }
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
    },
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
        },
        Said::Left { namespace, room, form } => Answer::Left { room: named(&namespace, &room, &form) },
        Said::Done => Answer::Done,
        Said::Welcome { connection, recovery } => Answer::Welcome { connection, recovery },
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
