//! Events with seats and their bookings, over real HTTP and a real database file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod harness;
#[path = "common/log.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod log;

use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use harness::client::{Answer, Client};
use harness::{Edge, seconds, token};
use log::Log;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;

impl Edge {
    fn of_role(&self, id: &str, role: &str) -> Client {
        self.with(&json!({"sub": id, "role": role, "exp": seconds(600)}))
    }

    async fn event(&self, seats: u64) -> u64 {
        let admin = self.of_role("root", "admin");
        let made = admin.post("/api/events", &json!({"title": "Concert", "totalSeats": seats})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()["id"].as_u64().unwrap()
    }
}

async fn book(by: &Client, event: u64, quantity: u64) -> Answer {
    by.post("/api/bookings", &json!({"eventId": event, "quantity": quantity})).await
}

async fn left(client: &Client, event: u64) -> Value {
    client.get(&format!("/api/events/{event}")).await.json()["availableSeats"].clone()
}

#[tokio::test]
async fn an_admin_or_a_service_makes_an_event_and_everybody_sees_it() {
    let edge = Edge::usual().await;
    let anna = edge.user("anna");
    let mut made = Vec::new();
    for (role, title, seats) in
        [("admin", " Concert ", json!(500)), ("service", "Play", json!(1_000_000_000.0))]
    {
        let answer = edge
            .of_role("root", role)
            .post("/api/events", &json!({"title": title, "totalSeats": seats}))
            .await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (201, Some("application/json")),
            "{}",
            answer.body
        );
        let event = answer.json();
        let total = seats.as_f64().unwrap() as u64;
        let expected =
            json!({"id": event["id"], "title": title.trim(), "totalSeats": total, "availableSeats": total});
        assert!(event["id"].is_u64());
        assert_eq!(event, expected);
        let one = anna.get(&format!("/api/events/{}", event["id"])).await;
        assert_eq!((one.status, one.json()), (200, expected));
        made.insert(0, event);
    }
    let listed = anna.get("/api/events").await;
    assert_eq!((listed.status, listed.json()), (200, json!({"events": made})), "newest first");
    assert_eq!(anna.get("/api/events?limit=1").await.json(), json!({"events": [made[0]]}));
    for query in ["limit=0", "limit=1001", "limit=x", "limit=", "limit=-1", "limit=1&limit=0"] {
        anna.get(&format!("/api/events?{query}")).await.is(400, "invalid_message");
    }
    for path in ["/api/events/999", "/api/events/x", "/api/events/007", "/api/events/-1", "/api/events/%ff"] {
        anna.get(path).await.is(404, "not_found");
    }
}

#[tokio::test]
async fn nobody_else_makes_an_event_and_the_security_log_tells_of_it() {
    let edge = Edge::usual().await;
    let (log, _guard) = Log::listen();
    let event = json!({"title": "Concert", "totalSeats": 5});
    edge.client().post("/api/events", &event).await.is(401, "unauthorized");
    edge.user("anna").post("/api/events", &event).await.is(403, "forbidden");
    let line = log.incident("needs_admin");
    assert_eq!((line.field("user.id"), line.field("door")), (Some("anna"), Some("api")));
    assert_eq!(line.field("peer.address"), Some("127.0.0.1"));
    edge.of_role("mod", "moderator").post("/api/events", &event).await.is(403, "forbidden");
    assert_eq!(edge.user("anna").get("/api/events").await.json(), json!({"events": []}));
}

#[tokio::test]
async fn an_event_that_breaks_a_rule_is_not_made() {
    let edge = Edge::usual().await;
    let admin = edge.of_role("root", "admin");
    let (long, right) = ("x".repeat(201), json!(5));
    for title in
        [json!(null), json!(7), json!(""), json!(" \t"), json!(long), json!("a\u{0}b"), json!("a\nb")]
    {
        let body = json!({"title": title, "totalSeats": right});
        admin.post("/api/events", &body).await.is(422, "invalid_message");
    }
    for seats in
        [json!(null), json!(0), json!(-1), json!(1.5), json!("5"), json!(1_000_000_001), json!(1e300)]
    {
        let body = json!({"title": "Concert", "totalSeats": seats});
        admin.post("/api/events", &body).await.is(422, "invalid_message");
    }
    admin.post("/api/events", &json!([])).await.is(422, "invalid_message");
    admin.send("POST", "/api/events", "{").await.is(400, "invalid_message");
    assert_eq!(admin.get("/api/events").await.json(), json!({"events": []}));
}

#[tokio::test]
async fn seats_are_booked_and_given_back() {
    let edge = Edge::usual().await;
    let (anna, event) = (edge.user("anna"), edge.event(5).await);
    let first = book(&anna, event, 3).await;
    assert_eq!((first.status, &first.json()["availableSeats"]), (201, &json!(2)), "{}", first.body);
    let id = first.json()["bookingId"].as_str().unwrap().to_owned();
    assert!(id.strip_prefix("BK-").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    assert_eq!(first.json().as_object().unwrap().len(), 2);
    book(&anna, event, 3).await.is(409, "sold_out");
    assert_eq!(left(&anna, event).await, json!(2), "nothing is booked where not all can be");
    let digits = anna.post("/api/bookings", &json!({"eventId": event.to_string()})).await;
    assert_eq!((digits.status, &digits.json()["availableSeats"]), (201, &json!(1)), "{}", digits.body);
    let path = format!("/api/bookings/{id}");
    let cancelled = anna.delete(&path).await;
    let expected = json!({"bookingId": id, "availableSeats": 4});
    assert_eq!((cancelled.status, cancelled.json()), (200, expected));
    anna.delete(&path).await.is(404, "not_found");
    assert_eq!(left(&anna, event).await, json!(4));
}

#[tokio::test]
async fn a_booking_that_breaks_a_rule_or_names_no_event_is_not_made() {
    let edge = Edge::usual().await;
    let (anna, event) = (edge.user("anna"), edge.event(5).await);
    for id in
        [json!(null), json!("x"), json!("007"), json!(-1), json!(1.5), json!(1_u64 << 53), json!([event])]
    {
        anna.post("/api/bookings", &json!({"eventId": id})).await.is(422, "invalid_message");
    }
    for quantity in
        [json!(0), json!(-1), json!(1.5), json!("2"), json!(1_000_000_001), json!(1e300), json!({})]
    {
        let body = json!({"eventId": event, "quantity": quantity});
        anna.post("/api/bookings", &body).await.is(422, "invalid_message");
    }
    book(&anna, 999, 1).await.is(404, "not_found");
    anna.send("POST", "/api/bookings", "no JSON").await.is(400, "invalid_message");
    edge.client().post("/api/bookings", &json!({"eventId": event})).await.is(401, "unauthorized");
    assert_eq!(left(&anna, event).await, json!(5));
}

#[tokio::test]
async fn only_whose_it_is_or_those_in_authority_cancel_a_booking() {
    let edge = Edge::usual().await;
    let (log, _guard) = Log::listen();
    let (anna, bob, event) = (edge.user("anna"), edge.user("bob"), edge.event(5).await);
    let booked = |answer: Answer| format!("/api/bookings/{}", answer.json()["bookingId"].as_str().unwrap());
    let (first, second) = (booked(book(&anna, event, 1).await), booked(book(&anna, event, 1).await));
    bob.delete(&first).await.is(403, "forbidden");
    assert_eq!(log.incident("booking_of_another").field("user.id"), Some("bob"));
    edge.of_role("mod", "moderator").delete(&first).await.is(403, "forbidden");
    edge.client().delete(&first).await.is(401, "unauthorized");
    assert_eq!(left(&anna, event).await, json!(3));
    assert_eq!(edge.of_role("root", "admin").delete(&first).await.status, 200);
    assert_eq!(edge.of_role("backend", "service").delete(&second).await.status, 200);
    assert_eq!(left(&anna, event).await, json!(5));
    for id in ["BK-UNKNOWN", "nonsense", "%ff", "BK-%00", "BK-a%20b"] {
        anna.delete(&format!("/api/bookings/{id}")).await.is(404, "not_found");
    }
}

#[tokio::test]
async fn under_one_key_seats_are_booked_once() {
    let edge = Edge::usual().await;
    let event = edge.event(10).await;
    let anna = edge.user("anna").header("Idempotency-Key", "order-7");
    let (first, again) = (book(&anna, event, 2).await, book(&anna, event, 2).await);
    assert_eq!((first.status, again.status), (201, 201), "{}", again.body);
    assert_eq!(first.json(), again.json(), "the first answer again");
    book(&anna, event, 3).await.is(409, "conflict");
    book(&anna, edge.event(10).await, 2).await.is(409, "conflict");
    let bob = edge.user("bob").header("Idempotency-Key", "order-7");
    assert_ne!(
        book(&bob, event, 2).await.json()["bookingId"],
        first.json()["bookingId"],
        "a key is its user's own"
    );
    assert_eq!(left(&anna, event).await, json!(6));
}

#[tokio::test]
async fn repeats_that_come_at_once_book_once() {
    let edge = Edge::usual().await;
    let event = edge.event(10).await;
    let anna = edge.known("anna").await.header("Idempotency-Key", "order-7");
    let answers = join_all((0..10).map(|_| book(&anna, event, 2))).await;
    for answer in &answers {
        assert_eq!((answer.status, answer.json()), (201, answers[0].json()), "{}", answer.body);
    }
    assert_eq!(left(&anna, event).await, json!(8));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let edge = Edge::usual().await;
    let event = edge.event(10).await;
    for key in ["", "a b", "\u{e4}", &"k".repeat(256)] {
        let anna = edge.user("anna").header("Idempotency-Key", key);
        book(&anna, event, 1).await.is(400, "invalid_message");
    }
    let twice = edge.user("anna").header("Idempotency-Key", "a").header("Idempotency-Key", "a");
    book(&twice, event, 1).await.is(400, "invalid_message");
    assert_eq!(left(&twice, event).await, json!(10));
}

#[tokio::test]
async fn no_seat_is_sold_twice_however_many_ask_at_once() {
    let edge = Edge::usual().await;
    let event = edge.event(20).await;
    let mut users = Vec::new();
    for number in 0..60 {
        users.push(edge.known(&format!("user-{number}")).await);
    }
    let answers = join_all(users.iter().map(|user| book(user, event, 1))).await;
    let mut seats: Vec<u64> = Vec::new();
    for answer in &answers {
        match answer.status {
            201 => seats.push(answer.json()["availableSeats"].as_u64().unwrap()),
            _ => drop(answer.is(409, "sold_out")),
        }
    }
    seats.sort_unstable();
    assert_eq!(seats, (0..20).collect::<Vec<_>>(), "each seat is sold, once");
}

#[tokio::test]
async fn who_watches_an_event_hears_of_its_bookings() {
    let edge = Edge::usual().await;
    let event = edge.event(5).await;
    let claims = json!({"sub": "watcher", "exp": seconds(600)});
    let url = format!("ws://{}/ws/events/{event}?token={}", edge.address, token(&claims));
    let (mut socket, _) = connect_async(url).await.unwrap();
    edge.seated(&format!("event:{event}"), "watcher").await;
    let booked = book(&edge.user("anna"), event, 2).await.json();
    let id = booked["bookingId"].as_str().unwrap();
    edge.user("anna").delete(&format!("/api/bookings/{id}")).await;
    for (kind, seats) in [("booking_created", 3), ("booking_cancelled", 5)] {
        let told = async {
            loop {
                let frame: Value =
                    serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
                if frame["type"].as_str().unwrap().starts_with("booking_") {
                    return frame;
                }
            }
        };
        let mut told = tokio::time::timeout(Duration::from_secs(10), told).await.expect("it is told in time");
        assert!(told.as_object_mut().unwrap().remove("timestamp").unwrap().is_string());
        let expected = json!({"type": kind, "eventId": event, "bookingId": id, "userId": "anna", "availableSeats": seats});
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn a_token_for_a_list_of_rooms_reaches_the_events_in_it() {
    let edge = Edge::usual().await;
    let (inside, outside) = (edge.event(5).await, edge.event(5).await);
    let narrow = |role: &str| json!({"sub": "anna", "role": role, "rooms": [format!("event:{inside}")], "exp": seconds(600)});
    let anna = edge.with(&narrow("user"));
    assert_eq!(book(&anna, inside, 1).await.status, 201);
    book(&anna, outside, 1).await.is(403, "forbidden");
    anna.get(&format!("/api/events/{outside}")).await.is(403, "forbidden");
    let listed = anna.get("/api/events").await.json();
    assert_eq!(
        listed["events"].as_array().unwrap().iter().map(|event| &event["id"]).collect::<Vec<_>>(),
        [&json!(inside)]
    );
    let admin = edge.with(&narrow("admin"));
    admin.post("/api/events", &json!({"title": "More", "totalSeats": 1})).await.is(403, "forbidden");
}
