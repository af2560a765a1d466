//! Every frame of the hub is one JSON object with a type, and says what the event says.

use domain::dialect::{Answer, Dialect};
use domain::words::{Code, Event, Fault, Form, Position, RoomRef, Sign, Timestamp};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::Value;
use wire::hub::Hub;

use crate::anything::{any_event, any_json, any_message};

fn read(frame: impl AsRef<[u8]>) -> Value {
    let frame: Value = serde_json::from_slice(frame.as_ref()).expect("frames are JSON");
    assert!(frame["type"].is_string(), "a frame has a type: {frame}");
    frame
}

fn hub() -> Hub {
    Hub::default()
}

proptest! {
    #[test]
    fn every_event_but_one_becomes_an_object_with_a_type(event in any_event(), form in prop::sample::select(vec![Form::Text, Form::Number, Form::Key])) {
        let told_elsewhere = matches!(&event, Event::Sign { sign: Sign::Status { .. }, .. });
        let frame = hub().event(&event, form).map(read);
        prop_assert_eq!(frame.is_none(), told_elsewhere);
        if let (Some(frame), Some(position)) = (frame, event.position()) {
            prop_assert_eq!(&frame["seq"], &Value::from(position.seq));
            prop_assert_eq!(&frame["epoch"], &Value::from(position.epoch));
            prop_assert!(!frame["roomId"].is_null());
        }
    }

    #[test]
    fn a_replay_holds_the_same_objects_as_the_live_flow(events in prop::collection::vec(any_event(), 0..5)) {
        let numbered: Vec<Event> = events.into_iter().filter(|event| event.position().is_some()).collect();
        let room = RoomRef { id: domain::words::RoomId::lobby(), form: Form::Text };
        let live: Vec<Value> = numbered.iter().filter_map(|event| hub().event(event, Form::Text)).map(read).collect();
        let joined = Answer::Joined { room, head: Position::START, recovered: None, history: numbered, members: 1, at: Timestamp(0) };
        let frame = read(hub().answer(&joined, Some("1")).expect("these clients hear of it"));
        prop_assert_eq!(&frame["history"], &Value::from(live));
        prop_assert_eq!(&frame["ref"], &Value::from(1));
    }

    #[test]
    fn a_withdrawn_message_says_nothing(mut message in any_message()) {
        message.deleted_at = Some(Timestamp(0));
        let frame = read(hub().event(&Event::Message(message), Form::Text).expect("these clients hear of it"));
        let mut names: Vec<&String> = frame.as_object().expect("an object").keys().collect();
        names.sort_unstable();
        prop_assert_eq!(names, ["deletedAt", "epoch", "id", "roomId", "seq", "type"]);
    }

    #[test]
    fn an_answer_of_a_custom_type_is_told_whole_or_not_at_all(value in any_json(), cut in any::<bool>()) {
        let mut said = serde_json::json!({ "type": "polled", "value": value }).to_string();
        // Read once, since not every number survives that to the last digit.
        let whole = read(&said);
        if cut {
            said.pop();
        }
        let frame = read(hub().answer(&Answer::Custom(said.into()), Some("\"r\"")).expect("these clients hear of it"));
        prop_assert_eq!(&frame["ref"], "r");
        let expected = if cut { "error" } else { "polled" };
        prop_assert_eq!(&frame["type"], expected);
        if !cut {
            prop_assert_eq!(&frame["value"], &whole["value"]);
        }
    }

    #[test]
    fn whatever_a_custom_type_answers_the_frame_is_json(text in any::<String>()) {
        read(hub().answer(&Answer::Custom(text.into()), None).expect("these clients hear of it"));
    }

    #[test]
    fn a_refusal_is_told_in_its_words(words in any::<String>()) {
        let refused = Answer::Refused(Fault::new(Code::Forbidden, words.clone()));
        let frame = read(hub().answer(&refused, None).expect("these clients hear of it"));
        prop_assert_eq!(&frame["message"], &Value::from(words));
    }
}
