//! Events from the short descriptions in transcripts. What a description leaves out has a
//! fixed value, so that a line shows only what it is about.

use domain::words::{
    Amendment, Announcement, Attachment, Author, BookingId, ClientId, Content, Event, EventId, Form, Message,
    MessageId, MessageType, Position, RoomId, SeatChange, SeatChangeKind, Sign, Signal, SignalKind,
    Timestamp, Unreadable, UserId,
};
use serde::Deserialize;
use serde_json::Value;

/// 2026-11-20T18:59:03.120Z
pub(crate) const SENT_AT: i64 = 1_795_201_143_120;
pub(crate) const MESSAGE: &str = "\"0193481f-6b20-7000-8000-0000000000aa\"";

/// Somebody's id and name.
type Named = (Value, Option<String>);

/// One event or message: `{"kind":"message","room":"7","form":"number","user":7,"text":"hi"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Told {
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
    edited: bool,
    extra: Option<Box<str>>,
    members: Vec<Named>,
    came: Vec<Named>,
    left: Vec<Named>,
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
            edited: false,
            extra: None,
            members: Vec::new(),
            came: Vec::new(),
            left: Vec::new(),
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

pub(crate) fn happened(told: Told) -> Event {
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
        "members" => Sign::Members {
            members: people(&told.members),
            count: told.count,
            came: people(&told.came),
            left: people(&told.left),
        },
        "attends" => Sign::Attendance { who, online: true, users: told.count },
        "departs" => Sign::Attendance { who, online: false, users: told.count },
        "booked" => Sign::Seats(seats(told, SeatChangeKind::Booked)),
        "cancelled" => Sign::Seats(seats(told, SeatChangeKind::Cancelled)),
        "announcement" => {
            Sign::Announcement(Announcement { from: who.user, message: told.text.as_str().into() })
        }
        "signal" => {
            let kind = SignalKind::parse(&told.step).expect("a known step");
            Sign::Signal(Signal { from: who.user, kind, data: told.data.clone() })
        }
        kind => panic!("no event is called {kind}"),
    }
}

fn seats(told: &Told, kind: SeatChangeKind) -> SeatChange {
    SeatChange {
        event: EventId::of_room(&place(told)).expect("an event's feed"),
        version: told.seq,
        kind,
        booking: BookingId::parse("BK-7").expect("a legal booking id"),
        user: author(told).user,
        available: told.count,
        at: Timestamp(SENT_AT),
    }
}

fn people(named: &[Named]) -> Vec<Author> {
    named.iter().map(|(id, name)| named_author(id, name.as_deref())).collect()
}

pub(crate) fn message(told: Told) -> Message {
    Message {
        room: place(&told),
        position: position(&told),
        id: message_id(MESSAGE),
        author: author(&told),
        client_id: told.client_id.as_deref().map(|id| ClientId::parse(id).expect("a legal client id")),
        sent_at: Timestamp(SENT_AT),
        edited_at: told.edited.then_some(Timestamp(SENT_AT + 1)),
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

pub(crate) fn named_author(id: &Value, name: Option<&str>) -> Author {
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

pub(crate) fn room(namespace: &str, name: &str) -> RoomId {
    RoomId::parse(&format!("{namespace}:{name}")).expect("a legal room")
}

pub(crate) fn message_id(json: &str) -> MessageId {
    MessageId(serde_json::from_str(json).expect("a UUID in quotes"))
}

pub(crate) fn form(name: &str) -> Form {
    match name {
        "text" => Form::Text,
        "number" => Form::Number,
        "key" => Form::Key,
        name => panic!("no form is called {name}"),
    }
}
