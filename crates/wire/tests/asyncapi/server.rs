//! What is written is described, and what is described is written.

use std::collections::BTreeSet;

use domain::dialect::Dialect;
use domain::words::Form;
use proptest::prelude::prop;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use wire::events::Events;
use wire::hub::Hub;
use wire::rooms::Rooms;
use wire::socketio::SocketIo;

use crate::anything::any_event;
use crate::checker::{Checker, Seen};
use crate::{document, frames};

/// Events that are made up, beside those of the transcripts.
const SAMPLES: usize = 1500;
/// Written by the door, which is elsewhere.
const ELSEWHERE: &str = "#/components/schemas/socketio.tell.connect_error";

/// Frames of events that nobody thought of, the same ones at every run.
fn of_anything() -> Vec<(&'static str, String)> {
    let hub = Hub::default();
    let dialects: [(&str, &dyn Dialect); 5] = [
        ("rooms", &Rooms),
        ("hub", &hub),
        ("events", &Events),
        ("socketio", &SocketIo { recovers: false }),
        ("socketio", &SocketIo { recovers: true }),
    ];
    let forms = prop::sample::select(vec![Form::Text, Form::Number, Form::Key]);
    let sample = (any_event(), forms);
    let mut runner = TestRunner::deterministic();
    let mut written = Vec::new();
    for _ in 0..SAMPLES {
        let (event, form) = sample.new_tree(&mut runner).unwrap().current();
        for (door, dialect) in dialects {
            let frame = dialect.event(&event, form);
            written.extend(frame.map(|frame| (door, String::from_utf8(frame.to_vec()).unwrap())));
        }
    }
    written
}

/// The one message of the document that the frame is.
fn identified(checker: &Checker<'_>, door: &str, frame: &str, seen: &mut Seen) {
    let (name, object) = frames::taken_apart(door, frame);
    let messages = checker.document["components"]["messages"].as_object().unwrap();
    let prefix = format!("{door}.tell.");
    let called =
        messages.iter().filter(|(key, message)| key.starts_with(&prefix) && message["name"] == *name);
    let mut fitting = Vec::new();
    let mut errors = Vec::new();
    for (key, message) in called {
        let mut noted = seen.clone();
        match checker.check(&message["payload"], "", &object, &mut noted) {
            Ok(()) => fitting.push((key, noted)),
            Err(error) => errors.push(format!("{key}: {error}")),
        }
    }
    assert_eq!(fitting.len(), 1, "{door} is told {frame}, which is {fitting:?}; {errors:#?}");
    *seen = fitting.remove(0).1;
}

/// Every field of every object that the server may write, with whether it must be there.
fn described(checker: &Checker<'_>) -> BTreeSet<(String, bool)> {
    let mut found = BTreeSet::new();
    for name in checker.document["components"]["schemas"].as_object().unwrap().keys() {
        let place = format!("#/components/schemas/{name}");
        if name.contains(".tell.") && place != ELSEWHERE {
            fields(checker, checker.resolve(&place), &place, &mut found);
        }
    }
    found
}

fn fields(checker: &Checker<'_>, schema: &Value, place: &str, found: &mut BTreeSet<(String, bool)>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return fields(checker, checker.resolve(reference), reference, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let inner = format!("{place}/{name}");
        let required = schema["required"].as_array().unwrap().contains(&name.as_str().into());
        fields(checker, property, &inner, found);
        found.insert((inner, required));
    }
    for schema in schema["anyOf"].as_array().into_iter().flatten() {
        fields(checker, schema, place, found);
    }
    if !schema["items"].is_null() {
        fields(checker, &schema["items"], &format!("{place}[]"), found);
    }
}

#[test]
fn every_frame_is_described_to_its_last_field_and_every_field_is_written() {
    let document = document::document();
    let checker = Checker { document: &document, strict: true };
    let mut seen = Seen::default();
    for (door, frame) in frames::of_transcripts().into_iter().chain(of_anything()) {
        identified(&checker, door, &frame, &mut seen);
    }
    for (place, required) in described(&checker) {
        assert!(seen.present.contains(&place), "{place} is described and never written");
        assert!(required || seen.absent.contains(&place), "{place} is always written and not required");
    }
}

#[test]
fn a_frame_that_is_not_described_is_noticed() {
    let document = document::document();
    let checker = Checker { document: &document, strict: true };
    let left = &document["components"]["messages"]["hub.tell.left"]["payload"];
    let check = |object: Value| checker.check(left, "", &object, &mut Seen::default());
    assert_eq!(check(serde_json::json!({"type": "left", "roomId": 7})), Ok(()));
    for object in [
        serde_json::json!({"type": "left"}),
        serde_json::json!({"type": "joined", "roomId": 7}),
        serde_json::json!({"type": "left", "roomId": 7.5}),
        serde_json::json!({"type": "left", "roomId": 7, "more": 1}),
        serde_json::json!({"type": "left", "roomId": 7, "ref": []}),
        serde_json::json!(["left", 7]),
    ] {
        assert!(check(object.clone()).is_err(), "{object}");
    }
}
