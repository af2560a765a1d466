//! The dialect of events, whatever comes in and whatever happened.

use domain::dialect::{Answer, Dialect, Request};
use domain::words::{Code, Command, Event, Form, Sign};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use wire::events::{Events, watched};

use crate::anything::{any_event, any_json};

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(frame in any::<Vec<u8>>()) {
        let _ = Events.decode(&frame);
    }

    #[test]
    fn whatever_is_watched_is_read_or_refused(event in any_json()) {
        let frame = json!({ "type": "subscribe_event", "eventId": event }).to_string();
        match Events.decode(frame.as_bytes()) {
            Ok(Request { command, .. }) => prop_assert!(matches!(command, Command::Join(_))),
            Err(misread) => prop_assert_eq!(misread.fault.code, Code::InvalidMessage),
        }
    }

    #[test]
    fn an_address_and_a_frame_mean_the_same_event(id in prop::sample::select(vec!["7", "007", "", "a", "-1", "7.0", "+7", " 7", "9007199254740991", "9007199254740992", "٧"])) {
        let frame = json!({ "type": "subscribe_event", "eventId": id }).to_string();
        let joined = Events.decode(frame.as_bytes()).ok().map(|request| match request.command {
            Command::Join(join) => join.room,
            command => panic!("not a subscription: {command:?}"),
        });
        prop_assert_eq!(joined, watched(id));
    }

    #[test]
    fn an_event_is_always_written_as_a_number(id in 0..1u64 << 53) {
        let room = watched(&id.to_string()).expect("a legal number");
        let head = domain::words::Position::START;
        let at = domain::words::Timestamp(0);
        let joined = Answer::Joined { room, head, recovered: None, history: Vec::new(), members: 1, at };
        let frame = Events.answer(&joined, None).expect("these clients hear of it");
        let frame: Value = serde_json::from_slice(&frame).expect("frames are JSON");
        prop_assert_eq!(&frame["eventId"], &Value::from(id));
    }

    #[test]
    fn bookings_are_heard_and_nothing_else_is(event in any_event()) {
        let is_booking = matches!(&event, Event::Sign { sign: Sign::Seats(_), .. });
        let frame = Events.event(&event, Form::Number);
        prop_assert_eq!(frame.is_some(), is_booking);
        if let Some(frame) = frame {
            let frame: Value = serde_json::from_slice(&frame).expect("frames are JSON");
            prop_assert!(frame["type"].as_str().is_some_and(|kind| kind.starts_with("booking_")));
            prop_assert!(frame["eventId"].is_u64() && frame["availableSeats"].is_u64());
        }
    }
}
