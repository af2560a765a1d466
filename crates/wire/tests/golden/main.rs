//! Golden transcripts: the `.txt` files of each dialect's folder are read, acted out and compared line by line.
//!
//! `C>` is what a client sends, followed by `=>` (the command it becomes) or `S>` (the error it is answered
//! with). `E>` is a room event and `A>` an answer (`A13>`: one to a request with the mark 13), each described by a
//! small JSON object (see `scene.rs` and `said.rs`) and followed by `S>`: the exact frame, or `-` where these
//! clients hear nothing. `#` and blank lines are kept.
//!
//! To write the outcomes anew after an intended change: `HUBBUB_BLESS=1 cargo test -p wire --test golden`,
//! then read the difference in version control before keeping it.

mod custom;
mod request;
mod said;
mod scene;

use std::fs;
use std::path::Path;

use domain::dialect::{Answer, Dialect};
use wire::events::Events;
use wire::hub::Hub;
use wire::rooms::Rooms;
use wire::socketio::SocketIo;
use wire::types::Registry;

#[test]
fn the_rooms_dialect_keeps_its_transcripts() {
    for name in ["join", "leave", "chat", "refusals", "events", "answers"] {
        keep(&format!("rooms/{name}"), &Rooms);
    }
}

#[test]
fn the_socketio_dialect_keeps_its_transcripts() {
    for name in
        ["chat_commands", "live_commands", "refusals", "chat_events", "live_events", "user_events", "answers"]
    {
        keep(&format!("socketio/{name}"), &SocketIo { recovers: false });
    }
}

#[test]
fn a_recovering_client_is_told_its_place_and_nothing_else_differs() {
    let dialect = SocketIo { recovers: true };
    keep("socketio/places", &dialect);
    for name in ["chat_commands", "live_commands", "refusals", "user_events", "answers"] {
        keep(&format!("socketio/{name}"), &dialect);
    }
}

#[test]
fn the_events_dialect_keeps_its_transcripts() {
    for name in ["commands", "refusals", "events", "answers"] {
        keep(&format!("events/{name}"), &Events);
    }
}

#[test]
fn the_hub_dialect_keeps_its_transcripts() {
    for name in ["rooms", "messages", "others", "refusals", "custom", "events", "signs", "answers"] {
        keep(&format!("hub/{name}"), &hub());
    }
}

/// A hub with one type of an embedder's own.
fn hub() -> Hub {
    let registry = Registry::built_in().with(custom::poll()).expect("the name is free");
    Hub::new(registry)
}

/// Compares one transcript with what the dialect says now, or writes it anew where that is asked for.
fn keep(name: &str, dialect: &dyn Dialect) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    let expected = fs::read_to_string(&file).expect("the transcript is readable");
    let actual = act_out(&expected, dialect);
    if blessing() {
        return fs::write(file, actual).expect("the transcript is writable");
    }
    let differences: Vec<String> = differences(&expected, &actual);
    let shown = differences.join("\n");
    assert!(differences.is_empty(), "{} is no longer what the dialect says:\n{shown}", file.display());
}

#[expect(clippy::disallowed_methods, reason = "a switch for those who write tests, not a setting")]
fn blessing() -> bool {
    std::env::var("HUBBUB_BLESS").is_ok_and(|value| value == "1")
}

/// The transcript with every outcome replaced by today's.
fn act_out(transcript: &str, dialect: &dyn Dialect) -> String {
    let mut lines = Vec::new();
    for line in transcript.lines() {
        if line.starts_with("=>") || line.starts_with("S>") {
            continue;
        }
        lines.push(line.to_owned());
        lines.extend(outcome(line, dialect));
    }
    lines.join("\n") + "\n"
}

fn outcome(line: &str, dialect: &dyn Dialect) -> Option<String> {
    let (mark, rest) = line.split_once("> ")?;
    match mark {
        "C" => Some(decoded(rest.as_bytes(), dialect)),
        "E" => {
            let (event, form) = scene::event(rest);
            Some(said(dialect.event(&event, form)))
        }
        _ => {
            let reference = mark.strip_prefix('A')?;
            let reference = Some(reference).filter(|reference| !reference.is_empty());
            Some(said(dialect.answer(&said::answer(rest), reference)))
        }
    }
}

fn decoded(frame: &[u8], dialect: &dyn Dialect) -> String {
    match dialect.decode(frame) {
        Ok(request) => format!("=> {}", request::shown(&request)),
        Err(misread) => said(dialect.answer(&Answer::Refused(misread.fault), misread.reference.as_deref())),
    }
}

fn said(frame: Option<impl AsRef<[u8]>>) -> String {
    let text = frame.map(|frame| String::from_utf8(frame.as_ref().to_vec()).expect("frames are UTF-8"));
    format!("S> {}", text.as_deref().unwrap_or("-"))
}

fn differences(expected: &str, actual: &str) -> Vec<String> {
    let (expected, actual): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let length = expected.len().max(actual.len());
    let line =
        |lines: &[&str], number: usize| lines.get(number).map_or("(nothing)".to_owned(), |l| (*l).into());
    (0..length)
        .filter(|&number| expected.get(number) != actual.get(number))
        .map(|number| {
            format!(
                "line {}\n  transcript: {}\n  dialect:    {}",
                number + 1,
                line(&expected, number),
                line(&actual, number)
            )
        })
        .collect()
}

#[test]
fn a_changed_outcome_is_reported_with_its_line() {
    let transcript = "# a note\nC> 7\n=> leave room:7 Number\n";
    let found = differences(transcript, &act_out(transcript, &Rooms));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("line 3\n  transcript: => leave room:7 Number\n  dialect:    S> {"));
}

#[test]
fn a_missing_outcome_is_reported() {
    let transcript = "A> {\"left\":{\"room\":\"7\",\"form\":\"text\"}}\n";
    assert_eq!(differences(transcript, &act_out(transcript, &Rooms)).len(), 1);
}
