//! Every frame is one packet of valid JSON that says what the event says, to the letter.

use bytes::Bytes;
use domain::dialect::{Answer, Dialect};
use domain::words::{
    Amendment, Attachment, Author, ClientId, Code, Content, Event, Fault, Form, Message, MessageId,
    MessageType, Namespace, Position, RoomId, Sign, Signal, SignalKind, Timestamp, Unreadable, UserId,
};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};
use wire::socketio::SocketIo;

use crate::any_json;

/// The arguments of an event's frame.
fn arguments(frame: &Bytes) -> Vec<Value> {
    let text = std::str::from_utf8(frame).expect("frames are UTF-8");
    let list = text.strip_prefix("42").expect("an event's packet");
    serde_json::from_str(list).expect("frames are JSON")
}

fn any_room() -> impl Strategy<Value = RoomId> {
    let namespace = prop::sample::select(Namespace::ALL.to_vec());
    let named = (namespace, "[A-Za-z0-9_.:-]{1,128}")
        .prop_map(|(namespace, name)| RoomId::new(namespace, &name).expect("a legal name"));
    prop_oneof![4 => named, 1 => any_user().prop_map(|user| RoomId::of_user(&user))]
}

fn any_user() -> impl Strategy<Value = UserId> {
    prop_oneof![
        "[^\0]{1,128}".prop_map(|id| UserId::text(&id).expect("a legal id")),
        (-(1i64 << 53)..=1 << 53).prop_map(|id| UserId::number(id).expect("a legal id")),
    ]
}

fn any_author() -> impl Strategy<Value = Author> {
    (any_user(), any::<Option<String>>()).prop_map(|(user, name)| Author { user, name: name.map(Into::into) })
}

/// The client's own further fields, and texts that are none.
fn any_extra() -> impl Strategy<Value = Option<Box<str>>> {
    let name = prop_oneof!["roomId|text|id|seq|username|replyTo|attachments|messageType", any::<String>()];
    let object = prop::collection::hash_map(name, any_json(), 0..4)
        .prop_map(|fields| Value::from(fields.into_iter().collect::<serde_json::Map<_, _>>()))
        .prop_map(|object| Some(object.to_string().into()));
    let cut = (any::<String>(), any_json()).prop_map(|(name, value)| {
        let text = json!({ "whole": value, name: "cut" }).to_string();
        Some(text.chars().take(text.chars().count() / 2).collect::<String>().into())
    });
    prop_oneof![Just(None), object, cut, any::<String>().prop_map(|text| Some(text.into()))]
}

fn any_attachment() -> impl Strategy<Value = Attachment> {
    (any::<u128>(), any::<String>(), any::<String>(), any::<u64>()).prop_map(
        |(id, name, media_type, size)| Attachment {
            id: MessageId(uuid::Uuid::from_u128(id)).0,
            name,
            media_type,
            size,
        },
    )
}

fn any_content() -> impl Strategy<Value = Result<Content, Unreadable>> {
    let kinds = vec![MessageType::Text, MessageType::Image, MessageType::File, MessageType::System];
    let attachments = prop::collection::vec(any_attachment(), 0..3);
    let reply_to = any::<Option<u128>>().prop_map(|id| id.map(|id| MessageId(uuid::Uuid::from_u128(id))));
    let readable = (any::<String>(), prop::sample::select(kinds), reply_to, attachments, any_extra())
        .prop_map(|(text, message_type, reply_to, attachments, extra)| {
            let mut content = Content::text(text).replying_to(reply_to);
            content.message_type = message_type;
            content.attachments = attachments;
            content.extra = extra;
            Ok(content)
        });
    let reasons = vec![Unreadable::KeyMissing, Unreadable::KeyWrong, Unreadable::Damaged];
    prop_oneof![5 => readable, 1 => prop::sample::select(reasons).prop_map(Err)]
}

fn any_position() -> impl Strategy<Value = Position> {
    (1..=u64::MAX, any::<u64>()).prop_map(|(epoch, seq)| Position { epoch, seq })
}

fn any_message() -> impl Strategy<Value = Message> {
    let client_id =
        prop::option::of("[^\0]{1,64}".prop_map(|id| ClientId::parse(&id).expect("a legal client id")));
    let times = (any::<i64>(), prop::option::weighted(0.1, Just(Timestamp(0))));
    (any_room(), any_position(), any_author(), client_id, times, any_content()).prop_map(
        |(room, position, author, client_id, (sent_at, deleted_at), content)| Message {
            room,
            position,
            id: MessageId::new(),
            author,
            client_id,
            sent_at: Timestamp(sent_at),
            edited_at: None,
            deleted_at,
            content,
        },
    )
}

fn any_amendment() -> impl Strategy<Value = Amendment> {
    any_message().prop_map(|Message { room, position, id, author, sent_at, content, .. }| Amendment {
        room,
        position,
        target: id,
        author,
        at: sent_at,
        content,
    })
}

fn any_sign() -> impl Strategy<Value = Sign> {
    let last_seen = any::<Option<i64>>().prop_map(|at| at.map(Timestamp));
    let members = prop::collection::vec(any_author(), 0..4);
    prop_oneof![
        (any_author(), any::<bool>()).prop_map(|(who, active)| Sign::Typing { who, active }),
        any_user().prop_map(|reader| Sign::Read { message: MessageId::new(), reader }),
        (any_author(), any::<bool>(), last_seen).prop_map(|(who, online, last_seen)| Sign::Status {
            who,
            online,
            last_seen
        }),
        (members, any::<u64>()).prop_map(|(members, count)| Sign::Members { members, count }),
        (any_user(), prop_oneof![any_json().prop_map(|data| data.to_string()), any::<String>()])
            .prop_map(|(from, data)| Sign::Signal(Signal { from, kind: SignalKind::Ice, data: data.into() })),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => any_message().prop_map(Event::Message),
        1 => any_amendment().prop_map(Event::Edited),
        1 => any_amendment().prop_map(Event::Deleted),
        1 => any_amendment().prop_map(Event::Reacted),
        1 => any_amendment().prop_map(Event::Unreacted),
        1 => (any_room(), any_position()).prop_map(|(room, position)| Event::Resync { room, position }),
        3 => (any_room(), any_sign()).prop_map(|(room, sign)| Event::Sign { room, sign }),
    ]
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
            Namespace::Room | Namespace::Event | Namespace::Lobby | Namespace::User => (&said["userId"], &said["username"], &said["text"]),
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
