//! What a client is told of where it stands, it can hand in again; and nothing else of a frame changes with it.

use bytes::Bytes;
use domain::dialect::Dialect;
use domain::words::{
    Author, Content, Event, Form, Message, MessageId, Namespace, Position, RoomId, Timestamp, UserId,
};
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};
use serde_json::Value;
use wire::socketio::SocketIo;

const DIALECT: SocketIo = SocketIo { recovers: true };

fn frame(text: &str, extra: &Value) -> Bytes {
    let mut content = Content::text(text);
    content.extra = Some(extra.to_string().into());
    let message = Message {
        room: RoomId::new(Namespace::Room, "general").expect("a legal name"),
        position: Position { epoch: 1, seq: 57 },
        id: MessageId::new(),
        author: Author { user: UserId::text("anna").expect("a legal id"), name: None },
        client_id: None,
        sent_at: Timestamp(0),
        edited_at: None,
        deleted_at: None,
        content: Ok(content),
    };
    DIALECT.event(&Event::Message(message), Form::Text).expect("these clients hear of it")
}

/// Places in rooms of which no two are the same.
fn any_places() -> impl Strategy<Value = Vec<(RoomId, Position)>> {
    let room = (0usize..4, "[A-Za-z0-9_.:-]{1,128}").prop_map(|(namespace, name)| {
        RoomId::new(Namespace::ALL[namespace], &name).expect("a legal name").key().to_owned()
    });
    let position = (1..=u64::MAX, any::<u64>()).prop_map(|(epoch, seq)| Position { epoch, seq });
    prop::collection::hash_map(room, position, 1..20).prop_map(|places| {
        let place = |(key, position): (String, _)| (RoomId::parse(&key).expect("a legal key"), position);
        places.into_iter().map(place).collect()
    })
}

fn parsed(frame: &Bytes) -> Vec<Value> {
    serde_json::from_slice(frame.strip_prefix(b"42").expect("an event's packet")).expect("frames are JSON")
}

proptest! {
    #[test]
    fn places_are_read_as_they_were_told(text in any::<String>(), extra in crate::anything::any_json(), places in any_places()) {
        let frame = frame(&text, &extra);
        let placed = DIALECT.placed(&frame, &places);
        let (before, after) = (parsed(&frame), parsed(&placed));
        prop_assert_eq!(&before[..2], &after[..2]);
        prop_assert_eq!(after.len(), 3);
        prop_assert_eq!(DIALECT.places(after[2].as_str().expect("a text")), Some(places.clone()));
        prop_assert_eq!(DIALECT.placed(&placed, &places), placed);
    }

    #[test]
    fn arbitrary_text_is_a_place_only_where_it_was_written_here(text in "([a-z]{0,5}[:|,]?[0-9]{0,3}[|,]?){0,4}") {
        if let Some(places) = DIALECT.places(&text) {
            let told = parsed(&DIALECT.placed(&frame("", &Value::Null), &places));
            prop_assert_eq!(&told[2], &Value::from(text));
        }
    }

    #[test]
    fn handing_in_anything_never_panics(text in any::<String>(), frame in any::<Vec<u8>>(), places in any_places()) {
        let _ = DIALECT.places(&text);
        let _ = DIALECT.placed(&frame.into(), &places);
    }
}
