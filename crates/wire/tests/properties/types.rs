//! The tables of message types: what stands there is what the doors do.

use std::collections::HashSet;
use std::sync::Arc;

use domain::dialect::Dialect;
use domain::words::{Code, Fault, Role};
use serde_json::{Value, json};
use wire::events::Events;
use wire::hub::Hub;
use wire::rooms::Rooms;
use wire::socketio::SocketIo;
use wire::types::{AlreadyRegistered, CustomHandler, Registry, Spec};

/// A value that each field of the raw doors takes.
fn fitting(field: &str, kind: &str) -> Value {
    match field {
        "since" | "before" | "eventId" => json!(5),
        "epoch" | "history" | "limit" => json!(1),
        "active" | "remove" => json!(true),
        "id" | "messageId" | "replyTo" => json!("0193481f-6b20-7000-8000-0000000000aa"),
        "attachmentIds" => json!(["0193481f-6b20-7000-8000-0000000000aa"]),
        "messageType" => json!("image"),
        "kind" => json!("offer"),
        "scope" => json!("room"),
        "roomId" | "chatId" | "to" | "message" | "content" | "text" | "emoji" | "token" | "clientId" => {
            json!("general")
        }
        "data" => json!({ "sdp": "v=0" }),
        field => panic!("{kind} takes a field that this test does not know: {field}"),
    }
}

/// The fields of a type, without `left_out`.
fn fields(spec: &Spec, left_out: Option<&str>) -> Value {
    let fields = spec.fields.iter().filter(|field| Some(field.name) != left_out);
    fields
        .map(|field| (field.name.to_owned(), fitting(field.name, spec.name)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn holds<'s>(
    specs: impl Iterator<Item = &'s Spec>,
    dialect: &dyn Dialect,
    frame: impl Fn(&str, Value) -> String,
) {
    for spec in specs {
        let whole = dialect.decode(frame(spec.name, fields(spec, None)).as_bytes());
        let request = whole.unwrap_or_else(|misread| panic!("{} with all fields: {misread:?}", spec.name));
        assert_eq!((request.role, request.cost), (spec.role, spec.cost), "{}", spec.name);
        for field in spec.fields {
            let without = dialect.decode(frame(spec.name, fields(spec, Some(field.name))).as_bytes());
            // Where somebody is to be told is needed in one scope and not in another.
            let needed = field.required || (spec.name, field.name) == ("announce", "to");
            assert_eq!(without.is_err(), needed, "{} without {}", spec.name, field.name);
        }
    }
}

fn raw(name: &str, mut fields: Value) -> String {
    fields["type"] = name.into();
    fields.to_string()
}

#[test]
fn every_type_takes_the_fields_that_it_documents() {
    holds(wire::rooms::types(), &Rooms, raw);
    holds(wire::events::types(), &Events, raw);
    holds(Hub::default().registry().specs(), &Hub::default(), raw);
    holds(wire::socketio::types(), &SocketIo::default(), |name, fields| {
        format!("2{}", json!([name, fields]))
    });
}

#[test]
fn no_door_has_two_types_of_one_name() {
    let hub = Hub::default();
    let doors: [Vec<&Spec>; 4] = [
        wire::rooms::types().collect(),
        wire::events::types().collect(),
        hub.registry().specs().collect(),
        wire::socketio::types().collect(),
    ];
    for door in doors {
        let names: HashSet<&str> = door.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), door.len());
    }
}

#[test]
fn only_announcing_needs_a_role() {
    let hub = Hub::default();
    let needy: Vec<_> = hub.registry().specs().filter(|spec| spec.role > Role::User).collect();
    assert_eq!(
        needy.iter().map(|spec| (spec.name, spec.role)).collect::<Vec<_>>(),
        [("announce", Role::Admin)]
    );
}

fn nothing(name: &'static str) -> CustomHandler {
    CustomHandler::custom(name, &[], |_| Err(Fault::new(Code::InvalidMessage, "never")))
}

#[test]
fn a_name_is_registered_once() {
    let taken = Registry::built_in().with(nothing("chat"));
    assert_eq!(taken.err(), Some(AlreadyRegistered("chat")));
    let twice = Registry::built_in().with(nothing("poll")).unwrap().with(nothing("poll"));
    assert_eq!(twice.err(), Some(AlreadyRegistered("poll")));
}

#[test]
fn a_custom_type_has_its_role_and_cost_and_what_its_reader_refuses_is_refused() {
    let handler = nothing("poll").for_role(Role::Moderator).costing(5);
    let registry = Registry::built_in().with(handler).unwrap();
    let spec = registry.specs().find(|spec| spec.name == "poll").copied().unwrap();
    assert_eq!((spec.role, spec.cost), (Role::Moderator, 5));
    let misread = Hub::new(registry).decode(br#"{"type":"poll","ref":7}"#).unwrap_err();
    assert_eq!((&*misread.fault.message, misread.reference.as_deref()), ("never", Some("7")));
}

#[test]
fn a_custom_reader_sees_the_whole_object() {
    let reader = |object: &wire::types::Object| {
        assert_eq!(
            Value::from(object.clone()),
            json!({"type": "poll", "ref": 7, "roomId": [1], "x": {"y": null}})
        );
        Err(Fault::new(Code::Conflict, "seen"))
    };
    let registry = Registry::built_in().with(CustomHandler::custom("poll", &[], reader)).unwrap();
    let shared: Arc<dyn Dialect> = Arc::new(Hub::new(registry));
    let misread = shared.decode(br#"{"type":"poll","ref":7,"roomId":[1],"x":{"y":null}}"#).unwrap_err();
    assert_eq!(misread.fault.code, Code::Conflict);
}
