//! Events and bookings of a fake server that misbehaves on request: the HTTP API and the feed, on any number of
//! listeners over one state.
//!
//! Owns its own small HTTP. As the real one, it tells viewers after a booking is made, in the order in which they were
//! made; every misdeed is one named switch, done to one viewer or to one booking.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::CloseFrame,
    },
};

use super::socket::user_of;

/// The viewer that the misdeeds are done to, by the order of connecting.
const VICTIM: u64 = 0;

/// What the server does wrong, or does in its awkward but legal way. Changes are counted from 1.
#[derive(Debug, Clone, Default)]
pub struct Misdeeds {
    /// The victim never sees this change.
    pub drops: Option<u64>,
    /// The victim sees this change twice.
    pub repeats: Option<u64>,
    /// The victim sees this change after the next one.
    pub swaps: Option<u64>,
    /// The victim sees another number of seats at this change.
    pub contradicts: Option<u64>,
    /// The frames and the answer of this change say a seat more than there is: it is sold again by the next one.
    pub sells_twice: Option<u64>,
    /// Viewers are told of a booking that nobody made, after this change.
    pub invents: Option<u64>,
    /// The n-th answer to a booking is lost behind the booking; its repeat is recognised.
    pub loses_answer: Option<u64>,
    /// The repeat is not recognised.
    pub forgets_keys: bool,
    /// Every viewer is closed with this code after this change.
    pub closes: Option<(u64, u16)>,
    /// After the last change the event itself says a seat less.
    pub forgets_seat: bool,
}

#[derive(Default)]
struct Event {
    id: u64,
    seats: i64,
    available: i64,
    changes: u64,
    bookings: HashMap<String, bool>,
    keys: HashMap<String, (String, i64)>,
    viewers: Vec<(u64, mpsc::Sender<Told>)>,
    held_back: Option<String>,
}

enum Told {
    Frame(String),
    Close(u16),
}

struct Shared {
    misdeeds: Misdeeds,
    events: Mutex<Vec<Event>>,
    viewers: AtomicU64,
    answers: AtomicU64,
}

pub struct Events {
    pub targets: Vec<String>,
    _tasks: JoinSet<()>,
}

impl Events {
    /// Two listeners over one state, like two nodes.
    pub async fn start(misdeeds: Misdeeds) -> Self {
        let shared = Arc::new(Shared {
            misdeeds,
            events: Mutex::default(),
            viewers: AtomicU64::new(0),
            answers: AtomicU64::new(0),
        });
        let (mut targets, mut tasks) = (Vec::new(), JoinSet::new());
        for _ in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            targets.push(listener.local_addr().unwrap().to_string());
            let shared = Arc::clone(&shared);
            tasks.spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
            });
        }
        Self { targets, _tasks: tasks }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut start = [0; 8];
    // A request line is longer than this, and arrives whole on loopback.
    match stream.peek(&mut start).await {
        Ok(8) if &start == b"GET /ws/" => watch(stream, &shared).await,
        _ => answer_all(stream, &shared).await,
    }
}

async fn watch(stream: TcpStream, shared: &Shared) {
    let mut path = String::new();
    #[allow(clippy::result_large_err)] // the library's signature
    let keep = |request: &Request, response: Response| {
        path = request.uri().to_string();
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async(stream, keep).await else { return };
    let (event, token) = path.rsplit_once('/').unwrap().1.split_once("?token=").unwrap();
    assert!(user_of(token).is_some());
    let event: u64 = event.parse().unwrap();
    let (frames, mut told) = mpsc::channel(10_000);
    let number = shared.viewers.fetch_add(1, Relaxed);
    let greeting = json!({"type": "connection_established", "clientId": "c", "eventId": event});
    frames.try_send(Told::Frame(greeting.to_string())).unwrap();
    shared.events.lock().unwrap()[event as usize - 1].viewers.push((number, frames));
    loop {
        tokio::select! {
            Some(told) = told.recv() => match told {
                Told::Frame(frame) => if socket.send(Message::text(frame)).await.is_err() { return },
                Told::Close(code) => {
                    let _ = socket.close(Some(CloseFrame { code: code.into(), reason: "".into() })).await;
                    return;
                }
            },
            said = socket.next() => if !matches!(said, Some(Ok(_))) { return },
        }
    }
}

async fn answer_all(mut stream: TcpStream, shared: &Shared) {
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let length: usize = header("content-length: ").parse().unwrap_or_default();
        while bytes.len() < head + length {
            if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
        }
        let body: Value = serde_json::from_slice(&bytes[head..head + length]).unwrap_or_default();
        bytes.drain(..head + length);
        assert!(user_of(header("authorization: Bearer ")).is_some());
        let request = text.lines().next().unwrap().trim_end_matches(" HTTP/1.1");
        // None: the answer is lost, and the connection with it.
        let Some((status, answer)) = answer(request, &body, header("idempotency-key: "), shared) else {
            return;
        };
        let answer = answer.to_string();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", answer.len());
        if stream.write_all((head + &answer).as_bytes()).await.is_err() {
            return;
        }
    }
}

fn answer(request: &str, body: &Value, key: &str, shared: &Shared) -> Option<(u16, Value)> {
    let mut events = shared.events.lock().unwrap();
    if request == "POST /api/events" {
        let (id, seats) = (events.len() as u64 + 1, body["totalSeats"].as_i64().unwrap());
        events.push(Event { id, seats, available: seats, ..Event::default() });
        return Some((
            201,
            json!({"id": id, "title": body["title"], "totalSeats": seats, "availableSeats": seats}),
        ));
    }
    if let Some(id) = request.strip_prefix("GET /api/events/") {
        let event = &events[id.parse::<usize>().unwrap() - 1];
        let available = event.available - i64::from(shared.misdeeds.forgets_seat);
        return Some((200, json!({"id": event.id, "totalSeats": event.seats, "availableSeats": available})));
    }
    if request == "POST /api/bookings" {
        let event = &mut events[body["eventId"].as_u64().unwrap() as usize - 1];
        return book(event, key, shared);
    }
    let id = request.strip_prefix("DELETE /api/bookings/").expect(request);
    let event = events.iter_mut().find(|event| event.bookings.contains_key(id)).unwrap();
    let stands = event.bookings.get_mut(id).unwrap();
    if !std::mem::replace(stands, false) {
        return Some((404, json!({"code": "not_found"})));
    }
    let available = event.change("booking_cancelled", id, 1, &shared.misdeeds);
    Some((200, json!({"bookingId": id, "availableSeats": available})))
}

fn book(event: &mut Event, key: &str, shared: &Shared) -> Option<(u16, Value)> {
    let made = |id: &str, available: i64| (201, json!({"bookingId": id, "availableSeats": available}));
    if let Some((id, available)) = event.keys.get(key).filter(|_| !shared.misdeeds.forgets_keys) {
        return Some(made(id, *available));
    }
    if event.available == 0 {
        return Some((409, json!({"code": "sold_out"})));
    }
    let id = format!("BK-{}-{}", event.id, event.bookings.len() + 1);
    event.bookings.insert(id.clone(), true);
    let available = event.change("booking_created", &id, -1, &shared.misdeeds);
    event.keys.insert(key.to_owned(), (id.clone(), available));
    let is_lost = shared.misdeeds.loses_answer == Some(shared.answers.fetch_add(1, Relaxed) + 1);
    (!is_lost).then(|| made(&id, available))
}

impl Event {
    /// Makes a change and tells the viewers; the seats that are left, as they are told.
    fn change(&mut self, kind: &str, id: &str, step: i64, misdeeds: &Misdeeds) -> i64 {
        self.changes += 1;
        self.available += step;
        let here = |number: Option<u64>| number == Some(self.changes);
        if here(misdeeds.sells_twice) {
            self.available += 1;
        }
        let available = self.available;
        let frame = |id: &str, available: i64, kind: &str| {
            let frame = json!({"type": kind, "eventId": self.id, "bookingId": id, "userId": "u0",
                               "availableSeats": available, "timestamp": "2026-01-01T00:00:00.000Z"});
            frame.to_string()
        };
        let plain = frame(id, available, kind);
        let held_back = self.held_back.take();
        for (viewer, frames) in &self.viewers {
            let tell = |frame: &str| drop(frames.try_send(Told::Frame(frame.to_owned())));
            let hits = |number: Option<u64>| *viewer == VICTIM && here(number);
            match () {
                () if hits(misdeeds.drops) || hits(misdeeds.swaps) => {}
                () if hits(misdeeds.contradicts) => tell(&frame(id, available + 1, kind)),
                () => tell(&plain),
            }
            if hits(misdeeds.repeats) {
                tell(&plain);
            }
            if let Some(held_back) = held_back.as_ref().filter(|_| *viewer == VICTIM) {
                tell(held_back);
            }
            if here(misdeeds.invents) {
                tell(&frame("BK-none", available - 1, "booking_created"));
            }
            if let Some((_, code)) = misdeeds.closes.filter(|(number, _)| *number == self.changes) {
                drop(frames.try_send(Told::Close(code)));
            }
        }
        self.held_back = here(misdeeds.swaps).then_some(plain);
        available
    }
}
