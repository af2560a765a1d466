//! Really written frames: what each one is called, and its object.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The doors, with the folder of each one's transcripts.
pub(crate) const DOORS: [(&str, &str); 4] =
    [("rooms", "rooms"), ("hub", "hub"), ("events", "events"), ("socketio", "socketio")];

/// The name and the object of one frame.
pub(crate) fn taken_apart(door: &str, frame: &str) -> (String, Value) {
    if door == "socketio" {
        return packet(frame);
    }
    let object: Value = serde_json::from_str(frame).unwrap();
    (object["type"].as_str().unwrap().to_owned(), object)
}

fn packet(frame: &str) -> (String, Value) {
    if let Some(object) = frame.strip_prefix("40") {
        return ("connected".into(), serde_json::from_str(object).unwrap());
    }
    if let Some(answer) = frame.strip_prefix("43") {
        let list: Vec<Value> =
            serde_json::from_str(answer.trim_start_matches(|c: char| c.is_ascii_digit())).unwrap();
        return ("ack".into(), list[0].clone());
    }
    let list: Vec<Value> = serde_json::from_str(frame.strip_prefix("42").unwrap()).unwrap();
    (list[0].as_str().unwrap().to_owned(), list[1].clone())
}

/// Every frame of every transcript, with its door. A type of an embedder's own is not described.
pub(crate) fn of_transcripts() -> Vec<(&'static str, String)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut frames = Vec::new();
    for (door, folder) in DOORS {
        for file in fs::read_dir(golden.join(folder)).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let told = text.lines().filter_map(|line| line.strip_prefix("S> ")).filter(|frame| *frame != "-");
            let ours = told.filter(|frame| !frame.starts_with("{\"type\":\"polled\""));
            frames.extend(ours.map(|frame| (door, frame.to_owned())));
        }
    }
    frames
}
