//! Every frame is one packet of valid JSON that says what the event says, to the letter.

use bytes::Bytes;
use domain::dialect::{Answer, Dialect};
use domain::words::{Code, Event, Fault, Form, Namespace};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use wire::socketio::SocketIo;

use crate::anything::{any_event, any_message};

/// The arguments of an event's frame.
fn arguments(frame: &Bytes) -> Vec<Value> {
    let text = std::str::from_utf8(frame).expect("frames are UTF-8");
    let list = text.strip_prefix("42").expect("an event's packet");
    serde_json::from_str(list).expect("frames are JSON")
}

proptest! {
    #[test]
    fn no_event_becomes_anything_but_valid_json(event in any_event(), form in prop::sample::select(vec![Form::Text, Form::Number, Form::Key])) {
        let plain = SocketIo { recovers: false }.event(&event, form);
        let placed = SocketIo { recovers: true }.event(&event, form);
        prop_assert_eq!(plain.is_some(), placed.is_some());
        let (Some(plain), Some(placed)) = (plain, placed) else { return Ok(()) };
        let (plain, mut placed) = (arguments(&plain), arguments(&placed));
        if let Some(position) = event.position() {
            let place = placed.pop().expect("numbered events have a place");
            let places = SocketIo { recovers: true }.places(place.as_str().expect("a place is a text"));
            prop_assert_eq!(places, Some(vec![(event.room().clone(), position)]));
        }
        prop_assert!(plain[0].is_string() && plain[1].is_object() && plain.len() == 2);
        prop_assert_eq!(plain, placed);
    }

    #[test]
    fn a_sender_cannot_speak_for_the_server(message in any_message()) {
        let event = Event::Message(message.clone());
        let Some(frame) = (SocketIo { recovers: false }).event(&event, Form::Text) else { return Ok(()) };
        let said = arguments(&frame).swap_remove(1);
        let (id, author) = (message.id.to_string(), message.author.user.as_str());
        let text = message.content.as_ref().map_or("", |content| &content.text);
        let (shown_author, shown_name, shown_text) = match message.room.namespace() {
            Namespace::Chat => (&said["sender"]["id"], &said["sender"]["username"], &said["content"]),
            Namespace::Room | Namespace::Event | Namespace::Lobby | Namespace::User | Namespace::Cluster => (&said["userId"], &said["username"], &said["text"]),
        };
        prop_assert_eq!(&said["id"], &Value::from(id));
        prop_assert_eq!(&said["seq"], &Value::from(message.position.seq));
        let author = if message.author.user.is_numeric() { json!(author.parse::<i64>().ok()) } else { json!(author) };
        prop_assert_eq!(shown_author, &author);
        prop_assert_eq!(shown_name, &json!(message.author.name.as_deref()));
        prop_assert_eq!(shown_text, &Value::from(text));
    }

    #[test]
    fn none_of_our_names_stands_twice(message in any_message()) {
        let Some(frame) = (SocketIo { recovers: false }).event(&Event::Message(message), Form::Text) else { return Ok(()) };
        let text = std::str::from_utf8(&frame).expect("frames are UTF-8");
        let (_, Names(mut names)): (Value, Names) = serde_json::from_str(&text[2..]).expect("frames are JSON");
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), count);
    }

    #[test]
    fn a_refusal_says_the_same_with_and_without_a_callback(words in any::<String>()) {
        let answer = Answer::Refused(Fault::new(Code::Forbidden, words.clone()));
        let error = json!({ "code": "forbidden", "message": words });
        let told = SocketIo::default().answer(&answer, None).expect("refusals are told");
        prop_assert_eq!(arguments(&told), vec![json!("error"), error.clone()]);
        let answered = SocketIo::default().answer(&answer, Some("13")).expect("refusals are told");
        let list = answered.strip_prefix(b"4313").expect("the answer to 13");
        let list: Value = serde_json::from_slice(list).expect("frames are JSON");
        prop_assert_eq!(list, json!([{ "ok": false, "error": error }]));
    }
}

/// The names of an object's fields, repeated ones repeatedly.
struct Names(Vec<String>);

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesOf)
    }
}

struct NamesOf;

impl<'de> serde::de::Visitor<'de> for NamesOf {
    type Value = Names;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut object: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some((name, _)) = object.next_entry::<String, serde::de::IgnoredAny>()? {
            names.push(name);
        }
        Ok(Names(names))
    }
}
