//! Whatever comes in, reading it ends in a request or in a refusal.

use domain::dialect::{Dialect, Misread, Request};
use domain::words::{Code, Command};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use wire::socketio::SocketIo;

use crate::anything::any_json;

const DIALECT: SocketIo = SocketIo { recovers: true };

fn code(frame: &[u8]) -> Option<Code> {
    DIALECT.decode(frame).err().map(|misread| misread.fault.code)
}

#[test]
fn bytes_that_are_not_utf8_are_an_invalid_message_wherever_they_stand() {
    for frame in [
        b"\xff".as_slice(),
        b"2[\"\xff\"]",
        b"2[\"send_message\",{\"roomId\":7,\"text\":\"\xff\"}]",
        b"2[\"send_message\",{\"roomId\":7,\"text\":\"a\",\"mood\":\"\xc3\x28\"}]",
        b"2[\"join_room\",7,\"\xff\"]",
        b"\xef\xbb\xbf2[\"join_room\",7]",
    ] {
        assert_eq!(code(frame), Some(Code::InvalidMessage), "{frame:?}");
    }
    assert_eq!(code(b""), Some(Code::InvalidMessage));
}

#[test]
fn deep_nesting_is_refused_in_every_argument_and_never_overflows() {
    let depth = 200_000;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for frame in [
            format!(r"2[{nested}]"),
            format!(r#"2["join_room",{nested}]"#),
            format!(r#"2["send_message",{{"roomId":7,"text":"a","mood":{nested}}}]"#),
            format!(r#"2["call:signal",{{"to":7,"kind":"ice","data":{nested}}}]"#),
            format!(r#"2["join_room",7,{nested}]"#),
            format!(r#"2["join_room",{}"#, open.repeat(depth)),
        ] {
            assert_eq!(code(frame.as_bytes()), Some(Code::InvalidMessage), "{}", &frame[..60]);
        }
    }
}

#[test]
fn nesting_that_people_use_is_carried() {
    let mood = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let frame = format!(r#"2["send_message",{{"roomId":7,"text":"a","mood":{mood}}}]"#);
    let Command::Say(say) = DIALECT.decode(frame.as_bytes()).unwrap().command else { panic!("not said") };
    assert_eq!(say.content.extra.as_deref(), Some(format!(r#"{{"mood":{mood}}}"#).as_str()));
}

#[test]
fn a_number_that_counts_something_else_is_not_answered() {
    for frame in ["313[1]", "61-13[1]", "013{}", "2/admin,13[\"join_room\",7]", "51-/admin,13[\"a\"]"] {
        let Misread { fault, reference } = DIALECT.decode(frame.as_bytes()).unwrap_err();
        assert_eq!((fault.code, reference), (Code::InvalidMessage, None), "{frame}");
    }
}

const EVENTS: [&str; 15] = [
    "chat:join",
    "chat:leave",
    "message:send",
    "message:read",
    "message:edit",
    "message:delete",
    "message:react",
    "typing:start",
    "typing:stop",
    "call:signal",
    "join_room",
    "leave_room",
    "send_message",
    "refresh",
    "unheard_of",
];

/// Events that look like ours: known names and fields, with anything inside.
fn almost_events() -> impl Strategy<Value = Value> {
    let field = prop::sample::select(vec![
        "chatId",
        "roomId",
        "messageId",
        "content",
        "text",
        "clientId",
        "since",
        "epoch",
        "emoji",
        "remove",
        "messageType",
        "attachmentIds",
        "replyTo",
        "to",
        "kind",
        "data",
        "token",
        "unknown",
    ]);
    let fields = prop::collection::vec((field, any_json()), 0..6);
    (prop::sample::select(EVENTS.to_vec()), fields).prop_map(|(name, fields)| {
        let fields: serde_json::Map<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        json!([name, fields])
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(frame in any::<Vec<u8>>()) {
        let _ = DIALECT.decode(&frame);
    }

    #[test]
    fn arbitrary_arguments_are_read_or_refused(name in prop::sample::select(EVENTS.to_vec()), value in any_json()) {
        let frame = format!("213{}", json!([name, value]));
        match DIALECT.decode(frame.as_bytes()) {
            Ok(request) => prop_assert_eq!(request.reference.as_deref(), Some("13")),
            Err(misread) => prop_assert_eq!(misread.reference.as_deref(), Some("13")),
        }
    }

    #[test]
    fn almost_events_are_read_or_refused_with_a_published_code(event in almost_events()) {
        if let Err(misread) = DIALECT.decode(format!("2{event}").as_bytes()) {
            let code = misread.fault.code;
            let published = [Code::InvalidMessage, Code::UnknownType, Code::InvalidRoom, Code::NotFound];
            prop_assert!(published.contains(&code), "{code:?}");
        }
    }

    #[test]
    fn an_event_that_is_cut_anywhere_is_an_invalid_message(cut in 0usize..46) {
        let frame = br#"213["send_message",{"roomId":7,"text":"a"},[]]"#;
        prop_assert_eq!(frame.len(), 46);
        prop_assert_eq!(code(&frame[..cut]), Some(Code::InvalidMessage));
    }

    #[test]
    fn text_and_further_fields_arrive_as_they_were_sent(text in any::<String>(), number in 0u64..1 << 53, mood in any_json()) {
        let frame = format!("2{number}{}", json!(["send_message", {"roomId": 7, "text": text, "mood": mood}]));
        let Request { command, reference, .. } = DIALECT.decode(frame.as_bytes()).unwrap();
        let Command::Say(say) = command else { panic!("nothing is said by {command:?}") };
        prop_assert_eq!(say.content.text, text);
        prop_assert_eq!(reference, Some(number.to_string().into()));
        let extra = say.content.extra.expect("there is a further field");
        prop_assert_eq!(extra.as_ref(), json!({ "mood": mood }).to_string());
    }
}
