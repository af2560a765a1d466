//! One frame in, one event out, in each dialect. `make bench`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must stop")]

use divan::{Bencher, black_box};
use domain::dialect::Dialect;
use domain::words::{
    Author, BookingId, Content, Event, EventId, Form, Message, MessageId, Namespace, Position, RoomId,
    SeatChange, SeatChangeKind, Sign, Timestamp, UserId,
};
use wire::events::Events;
use wire::hub::Hub;
use wire::rooms::Rooms;
use wire::socketio::SocketIo;

const TEXT: &str =
    "a hundred bytes of small talk, as people write them to each other, with nothing to be escaped in it!";

/// The dialects, and the two vocabularies of one of them with and without places to come back to.
const SPEECHES: [&str; 7] =
    ["rooms", "hub", "events", "chats", "chats, recovering", "live rooms", "live rooms, recovering"];

fn main() {
    divan::main();
}

fn dialect(speech: &str) -> Box<dyn Dialect> {
    match speech {
        "rooms" => Box::new(Rooms),
        "hub" => Box::new(Hub::default()),
        "events" => Box::new(Events),
        _ => Box::new(SocketIo { recovers: speech.ends_with("recovering") }),
    }
}

/// What a client says most.
fn frame(speech: &str) -> String {
    match speech {
        "rooms" | "hub" => format!(r#"{{"type":"chat","roomId":"lounge","message":"{TEXT}"}}"#),
        "events" => r#"{"type":"subscribe_event","eventId":4711}"#.to_owned(),
        "chats" | "chats, recovering" => {
            format!(r#"2["message:send",{{"chatId":"lounge","content":"{TEXT}","clientId":"c-17"}}]"#)
        }
        _ => format!(r#"2["send_message",{{"roomId":"lounge","text":"{TEXT}"}}]"#),
    }
}

/// What it hears most.
fn event(speech: &str) -> Event {
    let namespace = if speech.starts_with("chats") { Namespace::Chat } else { Namespace::Room };
    match speech {
        "events" => booking(),
        _ => Event::Message(Message {
            room: RoomId::new(namespace, "lounge").unwrap(),
            position: Position { epoch: 1, seq: 123_456 },
            id: MessageId::new(),
            author: Author { user: UserId::text("user-17").unwrap(), name: Some("Anna".into()) },
            client_id: None,
            sent_at: Timestamp(1_795_201_143_120),
            edited_at: None,
            deleted_at: None,
            content: Ok(Content::text(TEXT)),
        }),
    }
}

fn booking() -> Event {
    let change = SeatChange {
        event: EventId::new(4711).unwrap(),
        booking: BookingId::fresh(),
        user: UserId::text("user-17").unwrap(),
        available: 41,
        version: 9,
        kind: SeatChangeKind::Booked,
        at: Timestamp(1_795_201_143_120),
    };
    Event::Sign { room: RoomId::new(Namespace::Event, "4711").unwrap(), sign: Sign::Seats(change) }
}

#[divan::bench(args = SPEECHES)]
fn decode(bencher: Bencher<'_, '_>, speech: &str) {
    let (dialect, frame) = (dialect(speech), frame(speech));
    assert!(dialect.decode(frame.as_bytes()).is_ok(), "{frame}");
    bencher.bench_local(|| dialect.decode(black_box(frame.as_bytes())));
}

#[divan::bench(args = SPEECHES)]
fn encode(bencher: Bencher<'_, '_>, speech: &str) {
    let (dialect, event) = (dialect(speech), event(speech));
    assert!(dialect.event(&event, Form::Text).is_some(), "{speech}");
    bencher.bench_local(|| dialect.event(black_box(&event), Form::Text));
}

/// The frame of a recovering client that has heard of so many further rooms: the only one that is not shared.
#[divan::bench(args = [1, 4, 16])]
fn places_of_its_own(bencher: Bencher<'_, '_>, rooms: u64) {
    let dialect = SocketIo { recovers: true };
    let frame = dialect.event(&event("chats"), Form::Text).unwrap();
    let place = |number| {
        let room = RoomId::new(Namespace::Chat, &format!("chat-{number}")).unwrap();
        (room, Position { epoch: 1, seq: number })
    };
    let places: Vec<_> = (0..=rooms).map(place).collect();
    bencher.bench_local(|| dialect.placed(black_box(&frame), &places));
}
