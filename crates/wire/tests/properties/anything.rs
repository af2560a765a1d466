//! Anything that may happen, for whatever dialect is to tell it.

use domain::words::{
    Amendment, Announcement, Attachment, Author, BookingId, ClientId, Content, Event, EventId, Message,
    MessageId, MessageType, Namespace, Position, RoomId, SeatChange, SeatChangeKind, Sign, Signal,
    SignalKind, Timestamp, Unreadable, UserId,
};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use serde_json::{Value, json};

/// Any JSON, up to a moderate depth.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

pub(crate) fn any_room() -> impl Strategy<Value = RoomId> {
    let namespace = prop::sample::select(Namespace::ALL.to_vec());
    let named = (namespace, "[A-Za-z0-9_.:-]{1,128}")
        .prop_map(|(namespace, name)| RoomId::new(namespace, &name).expect("a legal name"));
    prop_oneof![4 => named, 1 => any_user().prop_map(|user| RoomId::of_user(&user))]
}

pub(crate) fn any_user() -> impl Strategy<Value = UserId> {
    prop_oneof![
        "[^\0]{1,128}".prop_map(|id| UserId::text(&id).expect("a legal id")),
        (-(1i64 << 53)..=1 << 53).prop_map(|id| UserId::number(id).expect("a legal id")),
    ]
}

pub(crate) fn any_author() -> impl Strategy<Value = Author> {
    (any_user(), any::<Option<String>>()).prop_map(|(user, name)| Author { user, name: name.map(Into::into) })
}

/// The client's own further fields, and texts that are none.
pub(crate) fn any_extra() -> impl Strategy<Value = Option<Box<str>>> {
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

pub(crate) fn any_attachment() -> impl Strategy<Value = Attachment> {
    (any::<u128>(), any::<String>(), any::<String>(), any::<u64>()).prop_map(
        |(id, name, media_type, size)| Attachment {
            id: MessageId(uuid::Uuid::from_u128(id)).0,
            name,
            media_type,
            size,
        },
    )
}

pub(crate) fn any_content() -> impl Strategy<Value = Result<Content, Unreadable>> {
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

pub(crate) fn any_position() -> impl Strategy<Value = Position> {
    (1..=u64::MAX, any::<u64>()).prop_map(|(epoch, seq)| Position { epoch, seq })
}

pub(crate) fn any_message() -> impl Strategy<Value = Message> {
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
            edited_at: deleted_at,
            deleted_at,
            content,
        },
    )
}

pub(crate) fn any_amendment() -> impl Strategy<Value = Amendment> {
    any_message().prop_map(|Message { room, position, id, author, sent_at, content, .. }| Amendment {
        room,
        position,
        target: id,
        author,
        at: sent_at,
        content,
    })
}

pub(crate) fn any_sign() -> impl Strategy<Value = Sign> {
    let last_seen = any::<Option<i64>>().prop_map(|at| at.map(Timestamp));
    let members = || prop::collection::vec(any_author(), 0..4);
    prop_oneof![
        (any_author(), any::<bool>()).prop_map(|(who, active)| Sign::Typing { who, active }),
        any_user().prop_map(|reader| Sign::Read { message: MessageId::new(), reader }),
        (any_author(), any::<bool>(), last_seen).prop_map(|(who, online, last_seen)| Sign::Status {
            who,
            online,
            last_seen
        }),
        (members(), any::<u64>(), members(), members())
            .prop_map(|(members, count, came, left)| Sign::Members { members, count, came, left }),
        (any_author(), any::<bool>(), any::<u64>()).prop_map(|(who, online, users)| Sign::Attendance {
            who,
            online,
            users
        }),
        any_seats().prop_map(Sign::Seats),
        (any_user(), any::<String>()).prop_map(|(from, message)| {
            Sign::Announcement(Announcement { from, message: message.into() })
        }),
        (any_user(), prop_oneof![any_json().prop_map(|data| data.to_string()), any::<String>()])
            .prop_map(|(from, data)| Sign::Signal(Signal { from, kind: SignalKind::Ice, data: data.into() })),
    ]
}

fn any_seats() -> impl Strategy<Value = SeatChange> {
    (0..1u64 << 53, any::<bool>(), any_user(), any::<u64>(), any::<i64>()).prop_map(
        |(event, booked, user, available, at)| SeatChange {
            event: EventId::new(event).expect("a legal id"),
            version: 1,
            kind: if booked { SeatChangeKind::Booked } else { SeatChangeKind::Cancelled },
            booking: BookingId::fresh(),
            user,
            available,
            at: Timestamp(at),
        },
    )
}

pub(crate) fn any_event() -> impl Strategy<Value = Event> {
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
