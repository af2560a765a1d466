//! What is described is read, and what is read is described.

use domain::dialect::Dialect;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_oneof, proptest};
use serde_json::{Map, Value, json};
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

/// Values at the edges of what fields take, and anything else.
fn any_value() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "a",
        "7",
        "007",
        "lobby",
        "lobby:main",
        "user:a",
        "chat:5",
        "chat:",
        "event:7",
        "room:x",
        "a b",
        "ä",
        "a\0",
    ]
    .into_iter()
    .chain([
        "text",
        "image",
        "system",
        "offer",
        "ring",
        "all",
        "room",
        UUID,
        "0193481F-6B20-7000-8000-0000000000AA",
    ])
    .chain(["0193481f6b2070008000000000000000", "9007199254740991", "+7", " 7", "-1"])
    .map(Value::from);
    let long = [64, 65, 128, 129, 133, 134].map(|length| Value::from("x".repeat(length)));
    let keys = [128, 129].map(|length| Value::from(format!("chat:{}", "x".repeat(length))));
    let numbers = [json!(-1), json!(0), json!(1), json!(7.0), json!(7.5), json!(100), json!(101)];
    let large = [
        json!(9_007_199_254_740_991_u64),
        json!(9_007_199_254_740_992_u64),
        json!(9_007_199_254_740_993_u64),
    ];
    let others =
        [json!(null), json!(true), json!([]), json!([UUID]), json!([7]), json!({}), json!({"a": [UUID]})];
    let all = texts.chain(long).chain(keys).chain(numbers).chain(large).chain(others).collect::<Vec<_>>();
    let exact = |value: &Value| !value.is_f64() || value.as_f64().unwrap().abs() <= EXACT;
    prop_oneof![3 => prop::sample::select(all), 1 => any_json().prop_filter("mistaken for another number", exact)]
}

/// Something that most readers of a field of this name take.
fn likely(name: &str) -> Value {
    match name {
        "since" | "before" | "eventId" | "epoch" | "history" | "limit" => json!(1),
        "active" | "remove" => json!(true),
        "id" | "messageId" | "replyTo" => json!(UUID),
        "attachmentIds" => json!([UUID]),
        "messageType" => json!("text"),
        "kind" => json!("offer"),
        "scope" => json!("all"),
        _ => json!("general"),
    }
}

/// One row, and an object for it: most fields fit, one or another is missing or is anything.
fn almost_messages() -> impl Strategy<Value = (&'static str, Spec, Value)> {
    // Which user or room an announcement is for depends on its scope, which the description says in words.
    let rows: Vec<_> = rows().into_iter().filter(|(_, spec)| spec.name != "announce").collect();
    prop::sample::select(rows).prop_flat_map(|(door, spec)| {
        let names = spec
            .fields
            .iter()
            .flat_map(|field| [Some(field.name), field.also])
            .flatten()
            .chain(["ref", "more"]);
        let fields: Vec<_> = names
            .map(|name| {
                let value = prop_oneof![
                    3 => Just(Some(likely(name))),
                    1 => Just(None),
                    1 => any_value().prop_map(Some),
                ];
                value.prop_map(move |value| Some((name.to_owned(), value?)))
            })
            .collect();
        let object = fields.prop_map(|fields| fields.into_iter().flatten().collect::<Map<_, _>>());
        (Just(door), Just(spec), object, any::<bool>(), any_value()).prop_map(
            |(door, spec, mut object, bare, value)| {
                let alone = bare
                    && spec.fields.iter().any(|field| field.alone)
                    && !value.is_null()
                    && !value.is_object();
                if door != "socketio" {
                    object.insert("type".into(), spec.name.into());
                }
                (door, spec, if alone { value } else { object.into() })
            },
        )
    })
}

fn is_read(door: &str, spec: &Spec, payload: &Value) -> Result<(), String> {
    let packet = format!("2{}", json!([spec.name, payload]));
    let text = payload.to_string();
    let read = match door {
        "rooms" => Rooms.decode(text.as_bytes()),
        "hub" => Hub::default().decode(text.as_bytes()),
        "events" => Events.decode(text.as_bytes()),
        "socketio" => SocketIo::default().decode(packet.as_bytes()),
        door => panic!("no door is called {door}"),
    };
    read.map(drop).map_err(|misread| misread.fault.message.into_owned())
}

/// Where the reader alone is more patient than the server is: how long an emoji is, the session says; of two names for
/// one room only one is looked at.
fn is_forgiven(spec: &Spec, payload: &Value) -> bool {
    let has = |name: &str| payload.get(name).is_some();
    has("emoji") || spec.fields.iter().any(|field| field.also.is_some_and(has) && has(field.name))
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(3000))]

    #[test]
    fn the_readers_take_what_the_document_describes_and_nothing_else((door, spec, payload) in almost_messages()) {
        let document = document_once();
        let checker = Checker { document, strict: false };
        let key = format!("{door}.ask.{}", spec.name.replace(':', "."));
        let schema = &document["components"]["messages"][&key]["payload"];
        let described = checker.check(schema, "", &payload, &mut Seen::default());
        let read = is_read(door, &spec, &payload);
        let agree = described.is_ok() == read.is_ok() || (read.is_ok() && is_forgiven(&spec, &payload));
        prop_assert!(agree, "{door} {} {payload}: described {described:?}, read {read:?}", spec.name);
    }
}

fn document_once() -> &'static Value {
    static DOCUMENT: std::sync::OnceLock<Value> = std::sync::OnceLock::new();
    DOCUMENT.get_or_init(document::document)
}
