//! What no list of examples covers: whatever comes in, reading it ends in a request or in a refusal.

use domain::dialect::{Dialect, Misread, Request};
use domain::words::{Code, Command};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use wire::rooms::Rooms;

use crate::anything::any_json;

fn code(frame: &[u8]) -> Option<Code> {
    Rooms.decode(frame).err().map(|misread| misread.fault.code)
}

#[test]
fn bytes_that_are_not_utf8_are_an_invalid_message_wherever_they_stand() {
    for frame in [
        b"\xff".as_slice(),
        b"{\"type\":\"chat\",\"roomId\":7,\"message\":\"\xff\"}",
        b"{\"type\":\"chat\",\"roomId\":7,\"message\":\"a\",\"unknown\":\"\xc3\x28\"}",
        b"\xef\xbb\xbf{\"type\":\"join_room\",\"roomId\":7}",
    ] {
        assert_eq!(code(frame), Some(Code::InvalidMessage), "{frame:?}");
    }
    assert_eq!(code(b""), Some(Code::InvalidMessage));
}

#[test]
fn deep_nesting_is_refused_in_every_field_and_never_overflows() {
    let depth = 200_000;
    for field in ["unknown", "type", "roomId", "room", "message", "clientId", "since", "ref"] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let whole = format!(r#"{{"type":"chat","roomId":7,"message":"a","{field}":{nested}}}"#);
            let cut_off = format!(r#"{{"{field}":{}"#, open.repeat(depth));
            assert_eq!(code(whole.as_bytes()), Some(Code::InvalidMessage), "{field}");
            assert_eq!(code(cut_off.as_bytes()), Some(Code::InvalidMessage), "{field}");
        }
    }
}

#[test]
fn nesting_that_people_use_is_tolerated_in_fields_that_nobody_knows() {
    let frame =
        format!(r#"{{"x":{}1{},"type":"chat","roomId":7,"message":"a"}}"#, "[".repeat(100), "]".repeat(100));
    assert_eq!(code(frame.as_bytes()), None);
}

#[test]
fn a_mark_of_128_characters_is_repeated_and_a_longer_one_is_not() {
    let frame = |length| format!(r#"{{"type":"nothing","ref":"{}"}}"#, "ü".repeat(length));
    let Misread { fault, reference } = Rooms.decode(frame(128).as_bytes()).unwrap_err();
    assert_eq!(fault.code, Code::UnknownType);
    assert_eq!(reference.as_deref(), Some(format!("\"{}\"", "ü".repeat(128)).as_str()));
    let Misread { fault, reference } = Rooms.decode(frame(129).as_bytes()).unwrap_err();
    assert_eq!((fault.code, reference), (Code::InvalidMessage, None));
}

/// Objects that look like frames: known types and fields, with anything inside.
fn almost_frames() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["join_room", "leave_room", "chat", "typing"]);
    let field = prop::sample::select(vec![
        "roomId", "room", "message", "clientId", "since", "epoch", "history", "ref", "unknown",
    ]);
    (kind, prop::collection::vec((field, any_json()), 0..6)).prop_map(|(kind, fields)| {
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
        let _ = Rooms.decode(&frame);
    }

    #[test]
    fn arbitrary_json_never_panics(value in any_json()) {
        let refused = Rooms.decode(value.to_string().as_bytes());
        prop_assert!(refused.is_err(), "no type was given");
    }

    #[test]
    fn almost_frames_are_read_or_refused_with_a_published_code(frame in almost_frames()) {
        if let Err(misread) = Rooms.decode(frame.to_string().as_bytes()) {
            let code = misread.fault.code;
            prop_assert!(matches!(code, Code::InvalidMessage | Code::UnknownType | Code::InvalidRoom));
        }
    }

    #[test]
    fn a_frame_that_is_cut_anywhere_is_an_invalid_message(cut in 0usize..52) {
        let frame = br#"{"type":"chat","roomId":7,"message":"hello","a":[1]}"#;
        prop_assert_eq!(frame.len(), 52);
        prop_assert_eq!(code(&frame[..cut]), Some(Code::InvalidMessage));
    }

    #[test]
    fn text_arrives_as_it_was_sent(text in any::<String>(), mark in any::<u32>()) {
        let frame = json!({"type": "chat", "roomId": 7, "message": text, "ref": mark}).to_string();
        let Request { command, reference, .. } = Rooms.decode(frame.as_bytes()).unwrap();
        let Command::Say(say) = command else { panic!("a chat is no {command:?}") };
        prop_assert_eq!(say.content.text, text);
        prop_assert_eq!(reference, Some(mark.to_string().into()));
    }
}
