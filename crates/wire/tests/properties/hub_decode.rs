//! What comes in at the hub: a request, a text for the lobby, or a refusal.

use domain::dialect::{Dialect, Misread, Request};
use domain::words::{Code, Command, Form, Say};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use wire::hub::Hub;

use crate::anything::any_json;

fn decode(frame: &[u8]) -> Result<Request, Misread> {
    Hub::default().decode(frame)
}

fn code(frame: &[u8]) -> Option<Code> {
    decode(frame).err().map(|misread| misread.fault.code)
}

/// What is said in the lobby without a mark.
fn lobby_text(frame: &[u8]) -> Option<String> {
    match decode(frame) {
        Ok(Request {
            command: Command::Say(Say { room, content, client_id: None, .. }),
            reference: None,
            ..
        }) if room.id.key() == "lobby:main" && room.form == Form::Text => Some(content.text),
        Ok(_) | Err(_) => None,
    }
}

#[test]
fn bytes_that_are_not_utf8_are_an_invalid_message() {
    for frame in [b"\xff".as_slice(), b"hello \xc3\x28", b"{\"type\":\"chat\",\"message\":\"\xff\"}"] {
        assert_eq!(code(frame), Some(Code::InvalidMessage), "{frame:?}");
    }
}

#[test]
fn json_of_any_depth_is_never_taken_for_a_text() {
    let depth = 30_000;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(code(nested.as_bytes()), Some(Code::InvalidMessage));
        for field in ["unknown", "data", "attachmentIds", "ref", "roomId", "type"] {
            let frame = format!(r#"{{"type":"signal","to":7,"kind":"ice","{field}":{nested}}}"#);
            assert_eq!(code(frame.as_bytes()), Some(Code::InvalidMessage), "{field}");
        }
    }
}

#[test]
fn a_frame_that_is_cut_anywhere_is_a_text_for_the_lobby() {
    let frame = r#"{"type":"chat","roomId":7,"message":"hello"}"#;
    for cut in 0..frame.len() {
        assert_eq!(lobby_text(&frame.as_bytes()[..cut]).as_deref(), Some(&frame[..cut]));
    }
}

/// Objects that look like frames: known types and fields, with anything inside.
fn almost_frames() -> impl Strategy<Value = Value> {
    let types: Vec<&'static str> =
        Hub::default().registry().specs().map(|spec| spec.name).chain(["nothing"]).collect();
    let field = prop::sample::select(vec![
        "roomId",
        "room",
        "message",
        "clientId",
        "since",
        "epoch",
        "history",
        "ref",
        "messageType",
        "replyTo",
        "attachmentIds",
        "id",
        "emoji",
        "remove",
        "active",
        "before",
        "limit",
        "to",
        "kind",
        "data",
        "scope",
        "token",
        "unknown",
    ]);
    let fields = prop::collection::vec((field, any_json()), 0..8);
    (prop::sample::select(types), fields).prop_map(|(kind, fields)| {
        let mut frame = json!({ "type": kind });
        for (name, value) in fields {
            frame[name] = value;
        }
        frame
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(frame in any::<Vec<u8>>()) {
        let _ = decode(&frame);
    }

    #[test]
    fn a_text_that_is_no_json_is_said_in_the_lobby_to_the_letter(text in any::<String>()) {
        match serde_json::from_str::<IgnoredAny>(&text) {
            Ok(_) => prop_assert_eq!(code(text.as_bytes()), Some(Code::InvalidMessage)),
            Err(_) => prop_assert_eq!(lobby_text(text.as_bytes()), Some(text)),
        }
    }

    #[test]
    fn json_without_a_type_is_an_invalid_message(value in any_json()) {
        prop_assert_eq!(code(value.to_string().as_bytes()), Some(Code::InvalidMessage));
    }

    #[test]
    fn almost_frames_are_read_or_refused_with_a_published_code(frame in almost_frames()) {
        if let Err(misread) = decode(frame.to_string().as_bytes()) {
            let code = misread.fault.code;
            let published = [Code::InvalidMessage, Code::UnknownType, Code::InvalidRoom, Code::NotFound];
            prop_assert!(published.contains(&code), "{code:?}");
        }
    }

    #[test]
    fn what_a_signal_carries_arrives_as_it_was_written(data in any_json()) {
        let frame = json!({ "type": "signal", "to": "berta", "kind": "ice", "data": data }).to_string();
        let Command::Call(call) = decode(frame.as_bytes()).unwrap().command else { panic!("not a call") };
        prop_assert_eq!(&*call.data, data.to_string());
    }
}
