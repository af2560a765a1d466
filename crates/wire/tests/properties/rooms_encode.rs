//! What no list of examples covers: every frame is valid JSON that says what the event says, to the letter.

use std::time::Duration;

use domain::dialect::{Answer, Dialect};
use domain::words::{
    Author, ClientId, Code, Content, Event, Fault, Form, Message, MessageId, Namespace, Position, RoomId,
    RoomRef, Timestamp, UserId,
};
use proptest::prelude::{any, prop_assert_eq, proptest};
use serde_json::{Value, json};
use wire::rooms::Rooms;

fn message(room: &str, author: Author, text: &str) -> Message {
    Message {
        room: RoomId::new(Namespace::Room, room).expect("a legal name"),
        position: Position { epoch: 1, seq: 1 },
        id: MessageId::new(),
        author,
        client_id: None,
        sent_at: Timestamp(0),
        edited_at: None,
        deleted_at: None,
        content: Ok(Content::text(text)),
    }
}

fn anna() -> Author {
    Author { user: UserId::text("anna").expect("a legal id"), name: None }
}

fn read(frame: Option<bytes::Bytes>) -> Value {
    let frame = frame.expect("these clients hear of it");
    let text = std::str::from_utf8(&frame).expect("frames are UTF-8");
    assert!(!text.contains('\n'), "a frame is one line");
    serde_json::from_str(text).expect("frames are JSON")
}

#[test]
fn text_that_other_systems_trip_over_arrives_to_the_letter() {
    for text in [
        "\u{2028}\u{2029}",
        "\0\u{1}\u{1f}\u{7f}",
        "\"\\/\u{8}\u{c}\n\r\t",
        "👩‍👩‍👧‍👦 🇩🇪",
        "\u{feff}a\u{10ffff}",
        "",
    ] {
        let event = Event::Message(message("lounge", anna(), text));
        assert_eq!(read(Rooms.event(&event, Form::Text))["message"], text);
    }
}

#[test]
fn a_mark_is_repeated_raw_in_errors_and_nowhere_else() {
    let refused = Answer::Refused(Fault::new(Code::NotInRoom, "join the room first"));
    let room = RoomRef { id: RoomId::new(Namespace::Room, "7").unwrap(), form: Form::Number };
    let frame = Rooms.answer(&refused, Some(r#""r\u00fc""#)).unwrap();
    let expected = r#"{"type":"error","code":"not_in_room","message":"join the room first","ref":"r\u00fc"}"#;
    assert_eq!(frame, expected);
    assert_eq!(Rooms.answer(&Answer::Left { room }, Some("1")).unwrap(), r#"{"type":"left","roomId":7}"#);
}

#[test]
fn a_wait_is_rounded_up_so_that_nobody_comes_too_early() {
    let answer = Answer::Reconnect { retry_after: Duration::from_micros(1_000_001) };
    assert_eq!(read(Rooms.answer(&answer, None)), json!({"type": "reconnect", "retryAfterMs": 1001}));
    let endless = Answer::Reconnect { retry_after: Duration::MAX };
    assert_eq!(read(Rooms.answer(&endless, None))["retryAfterMs"], u64::MAX);
}

proptest! {
    #[test]
    fn every_message_is_valid_json_that_says_the_same(
        text in any::<String>(),
        name in any::<String>(),
        user in "[^\0]{1,128}",
        client_id in "[^\0]{1,64}",
        at in any::<i64>(),
        seq in any::<u64>(),
    ) {
        let user = UserId::text(&user).unwrap();
        let mut message = message("7", Author { user: user.clone(), name: Some(name.as_str().into()) }, &text);
        message.client_id = Some(ClientId::parse(&client_id).unwrap());
        message.sent_at = Timestamp(at);
        message.position.seq = seq;
        let expected = json!({
            "type": "chat", "roomId": 7, "message": text, "userId": user.as_str(), "username": name,
            "id": message.id.to_string(), "seq": seq, "epoch": 1, "sentAt": wire::rfc3339(Timestamp(at)),
            "clientId": client_id,
        });
        prop_assert_eq!(read(Rooms.event(&Event::Message(message), Form::Number)), expected);
    }

    #[test]
    fn a_page_holds_the_same_objects_as_the_live_flow(texts in proptest::collection::vec(any::<String>(), 0..5)) {
        let event = |text: &String| Event::Message(message("7", anna(), text));
        let history: Vec<Event> = texts.iter().map(event).collect();
        let live: Vec<Value> = history.iter().map(|event| read(Rooms.event(event, Form::Number))).collect();
        let room = RoomRef { id: RoomId::new(Namespace::Room, "7").unwrap(), form: Form::Number };
        let joined = Answer::Joined { room, head: Position::START, recovered: None, history, members: 1, at: Timestamp(0) };
        prop_assert_eq!(&read(Rooms.answer(&joined, None))["history"], &Value::from(live));
    }

    #[test]
    fn user_ids_keep_the_type_of_their_token(id in -(1i64 << 53)..=1 << 53) {
        let author = |user| Author { user, name: None };
        let number = message("a", author(UserId::number(id).unwrap()), "");
        let text = message("a", author(UserId::text(&id.to_string()).unwrap()), "");
        prop_assert_eq!(&read(Rooms.event(&Event::Message(number), Form::Text))["userId"], &Value::from(id));
        let written = read(Rooms.event(&Event::Message(text), Form::Text));
        prop_assert_eq!(&written["userId"], &Value::from(id.to_string()));
    }
}
