//! What is described is read, and what is read is described: field by field, at the edges of what each one takes.

use std::sync::LazyLock;

use domain::dialect::Dialect;
use proptest::prelude::{Strategy, prop, prop_assert, proptest};
use serde_json::{Value, json};
use wire::events::Events;
use wire::hub::Hub;
use wire::rooms::Rooms;
use wire::socketio::SocketIo;
use wire::types::Spec;

use crate::anything::any_json;
use crate::checker::{Checker, Seen};
use crate::document;
use crate::references::rows;

const UUID: &str = "0193481f-6b20-7000-8000-0000000000aa";
/// A number above this that is written with a fraction counts as too large, whatever it is exactly.
const EXACT: f64 = 1_125_899_906_842_624.0;

/// Values at the edges of what fields take.
fn edges() -> Vec<Value> {
    let texts = "a 7 007 lobby lobby:main user:a chat:5 chat: event:7 room:x ä a/b +7 7.0 -1 \
        text image file system hidden offer answer ice hangup ring all others user room \
        9007199254740991 0193481f-6b20-7000-8000-0000000000aa 0193481F-6B20-7000-8000-0000000000AA \
        0193481f6b2070008000000000000000";
    let odd = ["", " ", "a b", " 7", "a\0", "\u{1f44d}"];
    let lengths = [64, 65, 128, 129, 133, 134];
    let large = (1_u64 << 53) - 1;
    let numbers =
        [json!(-1), json!(0), json!(1), json!(7.0), json!(7.5), json!(100), json!(101), json!(1e300)];
    let others = json!([null, true, false, [], [UUID], [UUID, 7], ["a"], {}, { "a": [UUID] }]);
    let mut all: Vec<Value> = texts.split(' ').chain(odd).map(Value::from).collect();
    all.extend(lengths.map(|length| "x".repeat(length).into()));
    all.extend([128, 129].map(|length| format!("chat:{}", "x".repeat(length)).into()));
    all.extend(numbers);
    all.extend([large, large + 1, large + 2, u64::MAX].map(Value::from));
    all.extend([large, large + 1, large + 2].map(|number| Value::from(-number.cast_signed())));
    all.extend(others.as_array().unwrap().clone());
    all
}

/// Something that a field takes.
fn fitting(name: &str) -> Value {
    match name {
        "since" | "before" | "eventId" | "epoch" | "history" | "limit" => json!(1),
        "active" | "remove" => json!(true),
        "id" | "messageId" | "replyTo" => json!(UUID),
        "attachmentIds" => json!([UUID]),
        "messageType" => json!("text"),
        "kind" => json!("offer"),
        "scope" => json!("room"),
        _ => json!("general"),
    }
}

/// A message whose fields all fit.
fn whole(door: &str, spec: &Spec) -> Value {
    let fields = spec.fields.iter().map(|field| (field.name.to_owned(), fitting(field.name)));
    let kind = (door != "socketio").then(|| ("type".to_owned(), spec.name.into()));
    fields.chain(kind).collect::<serde_json::Map<_, _>>().into()
}

/// Every name that means something to a row, and one that does not. Whom an announcement is for depends on its scope,
/// which the document says in words.
fn names(spec: &Spec) -> Vec<&'static str> {
    let own =
        spec.fields.iter().map(|field| field.name).filter(|name| (spec.name, *name) != ("announce", "to"));
    own.chain(["ref", "room", "more"]).collect()
}

fn is_read(door: &str, spec: &Spec, payload: &Value) -> bool {
    let packet = format!("2{}", json!([spec.name, payload]));
    let text = payload.to_string();
    let read = match door {
        "rooms" => Rooms.decode(text.as_bytes()),
        "hub" => Hub::default().decode(text.as_bytes()),
        "events" => Events.decode(text.as_bytes()),
        "socketio" => SocketIo::default().decode(packet.as_bytes()),
        door => panic!("no door is called {door}"),
    };
    read.is_ok()
}

/// Whether document and reader agree. How long an emoji is, the session says; of two names for one room, only one is
/// looked at: there the reader may take more than is described, and never less.
fn agree(document: &Value, door: &str, spec: &Spec, payload: &Value) -> Result<(), String> {
    let checker = Checker { document, strict: false };
    let key = format!("{door}.ask.{}", spec.name.replace(':', "."));
    let schema = &document["components"]["messages"][&key]["payload"];
    let described = checker.check(schema, "", payload, &mut Seen::default());
    let has = |name: &str| payload.get(name).is_some();
    let patient =
        has("emoji") || spec.fields.iter().any(|field| field.also.is_some_and(has) && has(field.name));
    match (&described, is_read(door, spec, payload)) {
        (Ok(()), true) | (Err(_), false) => Ok(()),
        (Err(_), true) if patient => Ok(()),
        (_, read) => Err(format!("{door} {} {payload}: described {described:?}, read {read}", spec.name)),
    }
}

#[test]
fn every_field_takes_at_its_edges_what_is_described() {
    let document = document::document();
    for (door, spec) in rows() {
        agree(&document, door, &spec, &whole(door, &spec)).unwrap();
        for name in names(&spec) {
            for value in edges() {
                let mut payload = whole(door, &spec);
                payload[name] = value;
                agree(&document, door, &spec, &payload).unwrap();
            }
        }
    }
}

#[test]
fn a_field_may_be_absent_or_called_otherwise_where_that_is_described() {
    let document = document::document();
    for (door, spec) in rows() {
        for name in names(&spec) {
            let mut payload = whole(door, &spec);
            payload.as_object_mut().unwrap().remove(name);
            agree(&document, door, &spec, &payload).unwrap();
            for value in edges() {
                payload["room"] = value;
                agree(&document, door, &spec, &payload).unwrap();
            }
        }
    }
}

#[test]
fn a_value_may_stand_alone_where_that_is_described() {
    let document = document::document();
    for (door, spec) in rows().into_iter().filter(|(door, _)| *door == "socketio") {
        // Nothing and null are an object without fields.
        for value in edges().into_iter().filter(|value| !value.is_null()) {
            agree(&document, door, &spec, &value).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn every_field_takes_of_any_value_what_is_described(
        (door, spec) in prop::sample::select(rows()),
        field in 0..10_usize,
        value in any_json().prop_filter("a number that is taken for another", |value| {
            !value.is_f64() || value.as_f64().unwrap().abs() <= EXACT
        }),
    ) {
        let names = names(&spec);
        let mut payload = whole(door, &spec);
        payload[names[field % names.len()]] = value;
        static DOCUMENT: LazyLock<Value> = LazyLock::new(document::document);
        let outcome = agree(&DOCUMENT, door, &spec, &payload);
        prop_assert!(outcome.is_ok(), "{outcome:?}");
    }
}
