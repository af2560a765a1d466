//! The document in itself: whatever it refers to is there, and every row is in it.

use serde_json::Value;
use wire::hub::Hub;
use wire::types::{Shape, Spec};

use crate::checker::Checker;
use crate::document;

fn each_reference(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each_reference(item, visit)),
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref") {
                visit(reference.as_str().unwrap());
            }
            fields.values().for_each(|field| each_reference(field, visit));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document::document();
    let checker = Checker { document: &document, strict: false };
    let mut count = 0;
    each_reference(&document, &mut |reference| {
        checker.resolve(reference);
        count += 1;
    });
    assert!(count > 500, "{count}");
}

/// Every row of every door, with the door.
pub(crate) fn rows() -> Vec<(&'static str, Spec)> {
    let hub = Hub::default();
    let of = |door, specs: Vec<Spec>| specs.into_iter().map(move |spec| (door, spec));
    of("rooms", wire::rooms::types().copied().collect())
        .chain(of("hub", hub.registry().specs().copied().collect()))
        .chain(of("events", wire::events::types().copied().collect()))
        .chain(of("socketio", wire::socketio::types().copied().collect()))
        .collect()
}

#[test]
fn every_row_is_a_message_with_its_role_and_cost_and_an_operation_with_a_reply() {
    let document = document::document();
    for (door, spec) in rows() {
        let key = format!("{door}.ask.{}", spec.name.replace(':', "."));
        let message = &document["components"]["messages"][&key];
        assert_eq!(message["name"], spec.name);
        assert_eq!(
            (message["x-role"].as_str(), message["x-cost"].as_u64()),
            (Some(spec.role.as_str()), Some(spec.cost.into()))
        );
        let operation = &document["operations"][&key];
        assert_eq!(operation["action"], "receive", "{key}");
        assert!(!operation["reply"]["messages"].as_array().unwrap().is_empty(), "{key}");
    }
}

#[test]
fn only_what_two_clients_say_to_each_other_may_be_anything() {
    for (door, spec) in rows() {
        for field in spec.fields.iter().filter(|field| field.shape == Shape::Anything) {
            assert_eq!(field.name, "data", "{door} {}", spec.name);
        }
    }
}
