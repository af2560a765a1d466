//! Chats, their participants, their history and the members of rooms, over real HTTP and a real database file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod harness;

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use harness::client::{Answer, Client};
use harness::{Edge, chat, participants, seconds, token};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

async fn add(by: &Client, chat: &str, user: &Value) -> Answer {
    by.post(&format!("/api/chats/{chat}/participants"), &json!({"userId": user})).await
}

async fn remove(by: &Client, chat: &str, user: &str) -> Answer {
    by.delete(&format!("/api/chats/{chat}/participants/{user}")).await
}

async fn own_chats(client: &Client) -> Vec<Value> {
    let answer = client.get("/api/chats").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["chats"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_new_chat_is_shown_to_everybody_in_it_and_told_to_their_connections() {
    let edge = Edge::usual().await;
    let (anna, bob, carl) = (edge.known("anna").await, edge.known("bob").await, edge.known("carl").await);
    let made = anna.post("/api/chats", &json!({"title": " Plans ", "participantIds": ["bob"]})).await;
    assert_eq!((made.status, made.header("content-type")), (201, Some("application/json")), "{}", made.body);
    let chat = made.json();
    let id = chat["id"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
    assert!(chat["createdAt"].as_str().unwrap().ends_with('Z'));
    let expected = json!({"id": id, "title": "Plans", "direct": false, "createdAt": chat["createdAt"], "unread": 0,
        "participants": [
            {"userId": "anna", "username": "anna!", "role": "owner", "lastReadAt": null},
            {"userId": "bob", "username": "bob!", "role": "member", "lastReadAt": null}]});
    assert_eq!(chat, expected);
    assert_eq!(edge.broker.passed(), ["user:anna", "user:bob"], "everybody's connections are told");
    for client in [&anna, &bob] {
        assert_eq!(own_chats(client).await, std::slice::from_ref(&expected));
        let one = client.get(&format!("/api/chats/{id}")).await;
        assert_eq!((one.status, one.json()), (200, expected.clone()));
    }
    assert_eq!(own_chats(&carl).await, [] as [Value; 0]);
    carl.get(&format!("/api/chats/{id}")).await.is(403, "not_a_participant");
}

#[tokio::test]
async fn whoever_is_named_twice_or_is_the_caller_takes_part_once() {
    let edge = Edge::usual().await;
    let anna = edge.known("anna").await;
    edge.with(&json!({"sub": 7, "username": "Seven"})).get("/api/me").await;
    let made = anna.post("/api/chats", &json!({"participantIds": [7, "7", "anna", 7]})).await;
    assert_eq!((made.status, participants(&made)), (201, vec![json!("anna"), json!(7)]), "{}", made.body);
    let alone = anna.post("/api/chats", &json!({"participantIds": []})).await;
    assert_eq!((alone.status, participants(&alone)), (201, vec![json!("anna")]));
    assert_eq!(alone.json()["title"], Value::Null);
}

#[tokio::test]
async fn with_somebody_unknown_no_chat_is_made() {
    let edge = Edge::usual().await;
    let (anna, _bob) = (edge.known("anna").await, edge.known("bob").await);
    let wanted = json!({"participantIds": ["bob", "nobody"]});
    anna.post("/api/chats", &wanted).await.is(404, "not_found");
    anna.post("/api/chats", &json!({"direct": true, "participantIds": ["nobody"]}))
        .await
        .is(404, "not_found");
    assert_eq!(own_chats(&anna).await, [] as [Value; 0]);
    assert_eq!(edge.broker.passed(), [] as [String; 0]);
}

#[tokio::test]
async fn two_users_have_one_direct_chat_whoever_asks_and_however_many_at_once() {
    let edge = Edge::usual().await;
    let (anna, bob, _carl) = (edge.known("anna").await, edge.known("bob").await, edge.known("carl").await);
    let with = |other: &str| json!({"direct": true, "participantIds": [other]});
    let (to_bob, to_anna) = (with("bob"), with("anna"));
    let asked = (0..6).map(|number| match number % 2 {
        0 => anna.post("/api/chats", &to_bob),
        _ => bob.post("/api/chats", &to_anna),
    });
    let answers = join_all(asked).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 5, "{statuses:?}");
    let id = answers[0].json()["id"].as_str().unwrap().to_owned();
    for answer in &answers {
        assert_eq!((&answer.json()["id"], &answer.json()["direct"]), (&json!(id), &json!(true)));
    }
    assert_eq!(own_chats(&bob).await.len(), 1);
    add(&anna, &id, &json!("carl")).await.is(409, "conflict");
    assert_eq!(add(&anna, &id, &json!("bob")).await.status, 200, "who is in it is in it");
    remove(&anna, &id, "bob").await.is(409, "conflict");
    remove(&anna, &id, "anna").await.is(409, "conflict");
    let group = anna.post("/api/chats", &json!({"participantIds": ["bob"]})).await;
    assert_eq!(group.status, 201, "a group of two is another chat");
    for others in [json!([]), json!(["anna"]), json!(["bob", "carl"])] {
        let wanted = json!({"direct": true, "participantIds": others});
        anna.post("/api/chats", &wanted).await.is(422, "invalid_message");
    }
}

#[tokio::test]
async fn a_title_is_changed_and_taken_away_by_participants() {
    let edge = Edge::usual().await;
    let (anna, bob, carl) = (edge.known("anna").await, edge.known("bob").await, edge.known("carl").await);
    let id = chat(&anna, &["bob"]).await;
    let path = format!("/api/chats/{id}");
    for (title, expected) in [
        (json!(" Plans "), json!("Plans")),
        (json!(null), json!(null)),
        (json!("B"), json!("B")),
        (json!(""), json!(null)),
    ] {
        let answer = bob.patch(&path, &json!({"title": title})).await;
        assert_eq!((answer.status, &answer.json()["title"]), (200, &expected), "{}", answer.body);
        assert_eq!(anna.get(&path).await.json()["title"], expected);
    }
    let long = json!({"title": "x".repeat(201)});
    for body in [json!({}), json!({"title": 7}), long, json!({"title": "a\u{0}b"})] {
        bob.patch(&path, &body).await.is(422, "invalid_message");
    }
    carl.patch(&path, &json!({"title": "C"})).await.is(403, "not_a_participant");
    bob.patch("/api/chats/none", &json!({"title": "C"})).await.is(404, "not_found");
}

#[tokio::test]
async fn anybody_in_a_chat_adds_others_and_twice_is_once() {
    let edge = Edge::usual().await;
    let (anna, bob, carl) = (edge.known("anna").await, edge.known("bob").await, edge.known("carl").await);
    edge.with(&json!({"sub": 7})).get("/api/me").await;
    let id = chat(&anna, &["bob"]).await;
    edge.broker.passed();
    add(&carl, &id, &json!("carl")).await.is(403, "not_a_participant");
    add(&bob, &id, &json!("nobody")).await.is(404, "not_found");
    add(&bob, "none", &json!("carl")).await.is(404, "not_found");
    assert_eq!(edge.broker.passed(), [] as [String; 0]);
    for _ in 0..2 {
        let added = add(&bob, &id, &json!("carl")).await;
        assert_eq!(added.status, 200, "{}", added.body);
        assert_eq!(participants(&added), ["anna", "bob", "carl"]);
        assert_eq!(edge.broker.passed(), ["user:carl"], "also who was in it already is told again");
    }
    let added = add(&carl, &id, &json!(7)).await;
    assert_eq!(participants(&added)[3], json!(7), "in its own type");
    for body in [
        json!({}),
        json!({"userId": null}),
        json!({"userId": ""}),
        json!({"userId": 1.5}),
        json!({"userId": [7]}),
    ] {
        let answer = bob.post(&format!("/api/chats/{id}/participants"), &body).await;
        answer.is(422, "invalid_message");
        assert!(answer.json()["detail"].as_str().unwrap().starts_with("userId"), "{}", answer.body);
    }
}

#[tokio::test]
async fn owners_put_out_others_everybody_themselves_and_admins_anybody() {
    let edge = Edge::usual().await;
    let (anna, bob, carl) = (edge.known("anna").await, edge.known("bob").await, edge.known("carl").await);
    let (dora, eve) = (edge.known("dora").await, edge.known("eve").await);
    let admin = edge.with(&json!({"sub": "ops", "role": "admin", "exp": seconds(60)}));
    let id = chat(&anna, &["bob", "carl", "dora"]).await;
    edge.broker.passed();
    remove(&bob, &id, "carl").await.is(403, "forbidden");
    remove(&eve, &id, "carl").await.is(403, "not_a_participant");
    remove(&anna, "none", "carl").await.is(404, "not_found");
    remove(&anna, &id, "nobody").await.is(404, "not_found");
    assert_eq!(edge.broker.passed(), [] as [String; 0]);
    let chat_room = format!("chat:{id}");
    for (by, who) in [(&anna, "bob"), (&carl, "carl"), (&admin, "dora")] {
        let gone = remove(by, &id, who).await;
        assert_eq!((gone.status, gone.body.as_str()), (204, ""), "{who}");
        assert_eq!(edge.broker.passed(), [chat_room.as_str()], "the room is told before the answer");
        assert_eq!(remove(by, &id, who).await.status, 204, "a request may be repeated");
        assert_eq!(edge.broker.passed(), [chat_room.as_str()], "and then the room is told again");
    }
    for gone in [&bob, &carl, &dora] {
        gone.get(&format!("/api/chats/{id}")).await.is(403, "not_a_participant");
        assert_eq!(own_chats(gone).await, [] as [Value; 0]);
    }
    assert_eq!(participants(&anna.get(&format!("/api/chats/{id}")).await), ["anna"]);
}

#[tokio::test]
async fn the_last_owner_hands_the_chat_to_its_oldest_participant() {
    let edge = Edge::usual().await;
    let (anna, bob, _carl) = (edge.known("anna").await, edge.known("bob").await, edge.known("carl").await);
    let id = chat(&anna, &["bob", "carl"]).await;
    assert_eq!(remove(&anna, &id, "anna").await.status, 204);
    let left = bob.get(&format!("/api/chats/{id}")).await.json();
    let roles: Vec<&Value> =
        left["participants"].as_array().unwrap().iter().map(|part| &part["role"]).collect();
    assert_eq!(roles, ["owner", "member"]);
}

#[tokio::test]
async fn a_removal_is_told_until_it_is_heard() {
    let edge = Edge::usual().await;
    let (anna, bob) = (edge.known("anna").await, edge.known("bob").await);
    let id = chat(&anna, &["bob"]).await;
    edge.broker.passed();
    edge.broker.refusals.store(2, Ordering::SeqCst);
    assert_eq!(remove(&anna, &id, "bob").await.status, 204);
    assert_eq!(edge.broker.passed(), [format!("chat:{id}")]);
    assert_eq!(add(&anna, &id, &json!("bob")).await.status, 200);
    edge.broker.passed();
    edge.broker.refusals.store(usize::MAX, Ordering::SeqCst);
    let unheard = remove(&anna, &id, "bob").await;
    unheard.is(503, "overloaded");
    assert!(unheard.header("retry-after").is_some());
    bob.get(&format!("/api/chats/{id}")).await.is(403, "not_a_participant");
    edge.broker.refusals.store(0, Ordering::SeqCst);
    assert_eq!(remove(&anna, &id, "bob").await.status, 204, "the repeated request tells the nodes");
    assert_eq!(edge.broker.passed(), [format!("chat:{id}")]);
}

#[tokio::test]
async fn a_narrow_token_reaches_the_chats_on_its_list_alone() {
    let edge = Edge::usual().await;
    let (anna, _bob) = (edge.known("anna").await, edge.known("bob").await);
    let (on, off) = (chat(&anna, &["bob"]).await, chat(&anna, &["bob"]).await);
    let narrow = edge.with(&json!({"sub": "anna", "rooms": [format!("chat:{on}")], "exp": seconds(60)}));
    assert_eq!(own_chats(&narrow).await.iter().map(|chat| &chat["id"]).collect::<Vec<_>>(), [&json!(on)]);
    assert_eq!(narrow.get(&format!("/api/chats/{on}")).await.status, 200);
    assert_eq!(narrow.get(&format!("/api/rooms/chat:{on}/messages")).await.status, 200);
    narrow.get(&format!("/api/chats/{off}")).await.is(403, "forbidden");
    narrow.patch(&format!("/api/chats/{off}"), &json!({"title": "x"})).await.is(403, "forbidden");
    narrow.get(&format!("/api/rooms/chat:{off}/messages")).await.is(403, "forbidden");
    narrow.get(&format!("/api/rooms/chat:{off}/members")).await.is(403, "forbidden");
    narrow.get("/api/rooms/room:a/members").await.is(403, "forbidden");
    add(&narrow, &off, &json!("bob")).await.is(403, "forbidden");
    remove(&narrow, &off, "bob").await.is(403, "forbidden");
    narrow.post("/api/chats", &json!({"participantIds": ["bob"]})).await.is(403, "forbidden");
}

#[tokio::test]
async fn a_chat_shows_its_newest_message_opened_and_what_is_unread() {
    let edge = Edge::usual().await;
    let (anna, bob, carl) = (edge.known("anna").await, edge.known("bob").await, edge.known("carl").await);
    let (old, new) = (chat(&anna, &["bob"]).await, chat(&anna, &["bob"]).await);
    let room = format!("chat:{old}");
    edge.say(&room, "anna", "one").await;
    let position = edge.say(&room, "anna", "two").await;
    let shown = bob.get(&format!("/api/chats/{old}")).await.json();
    assert_eq!(shown["unread"], 2);
    let last = &shown["lastMessage"];
    assert_eq!(
        (&last["message"], &last["roomId"], &last["userId"]),
        (&json!("two"), &json!(room), &json!("anna"))
    );
    assert_eq!((&last["seq"], &last["messageType"]), (&json!(position.seq), &json!("text")));
    assert_eq!(anna.get(&format!("/api/chats/{old}")).await.json()["unread"], 0, "one's own are read");
    let listed: Vec<Value> = own_chats(&bob).await.iter().map(|chat| chat["id"].clone()).collect();
    assert_eq!(listed, [json!(old), json!(new)], "the newest message first");
    let page = bob.get(&format!("/api/rooms/{room}/messages")).await;
    assert_eq!((page.status, &page.json()["messages"][1]), (200, last));
    carl.get(&format!("/api/rooms/{room}/messages")).await.is(403, "not_a_participant");
    carl.get("/api/rooms/chat:none/messages").await.is(403, "not_a_participant");
    remove(&anna, &old, "bob").await;
    bob.get(&format!("/api/rooms/{room}/messages")).await.is(403, "not_a_participant");
}

/// A Socket.IO client's WebSocket, as far as these tests need one.
struct Live(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Live {
    async fn connect(edge: &Edge, user: &str) -> Self {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", edge.address);
        let mut live = Self(connect_async(url).await.unwrap().0);
        assert!(live.next().await.starts_with('0'), "the session opens");
        let token = token(&json!({"sub": user, "exp": seconds(600)}));
        live.0.send(Message::text(format!("40{}", json!({"token": token})))).await.unwrap();
        assert!(live.next().await.starts_with("40{"), "the client is let in");
        live
    }

    async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next());
        next.await.expect("a frame in time").unwrap().unwrap().to_text().unwrap().to_owned()
    }

    /// Everything that is heard until the server answers a leave of no chat, which is behind all that was sent before.
    async fn heard(&mut self) -> Vec<String> {
        self.0.send(Message::text(r#"421["chat:leave",{"chatId":"none"}]"#)).await.unwrap();
        let mut heard = Vec::new();
        loop {
            match self.next().await {
                answer if answer.starts_with("431") => return heard,
                frame => heard.push(frame),
            }
        }
    }
}

#[tokio::test]
async fn who_is_added_hears_the_chat_at_once_and_who_is_removed_hears_nothing_after_the_answer() {
    let edge = Edge::usual().await;
    let (anna, _bob) = (edge.known("anna").await, edge.known("bob").await);
    let id = chat(&anna, &[]).await;
    let room = format!("chat:{id}");
    let mut bob = Live::connect(&edge, "bob").await;
    for round in 0..5 {
        assert_eq!(add(&anna, &id, &json!("bob")).await.status, 200);
        let text = format!("welcome {round}");
        // The summons is under way when the answer comes: whoever is not in yet finds the message by `since`.
        edge.seated(&room, "bob").await;
        edge.say(&room, "anna", &text).await;
        assert!(bob.heard().await.iter().any(|frame| frame.contains(&text)), "round {round}");
        assert_eq!(remove(&anna, &id, "bob").await.status, 204);
        edge.say(&room, "anna", "secret").await;
        let heard = bob.heard().await;
        assert!(heard.iter().all(|frame| !frame.contains("secret")), "{heard:?}");
    }
}

#[tokio::test]
async fn bodies_and_ids_that_break_a_rule_are_refused() {
    let edge = Edge::usual().await;
    let (anna, _bob) = (edge.known("anna").await, edge.known("bob").await);
    let many: Vec<usize> = (0..501).collect();
    for body in [
        json!({}),
        json!({"participantIds": null}),
        json!({"participantIds": "bob"}),
        json!({"participantIds": [null]}),
        json!({"participantIds": [""]}),
        json!({"participantIds": [9_007_199_254_740_993_i64]}),
        json!({"participantIds": ["x".repeat(129)]}),
        json!({"participantIds": many}),
        json!({"participantIds": ["bob"], "title": 7}),
        json!({"participantIds": ["bob"], "direct": "yes"}),
        json!([]),
    ] {
        anna.post("/api/chats", &body).await.is(422, "invalid_message");
    }
    anna.send("POST", "/api/chats", "{").await.is(400, "invalid_message");
    anna.send("POST", "/api/chats", &" ".repeat(64 * 1024 + 1)).await.is(413, "too_large");
    for id in ["none", "a%2Fb", "%FF", "a%20b", &"x".repeat(200)] {
        anna.get(&format!("/api/chats/{id}")).await.is(404, "not_found");
        remove(&anna, id, "bob").await.is(404, "not_found");
    }
    edge.client().get("/api/chats").await.is(401, "unauthorized");
    edge.client().send("POST", "/api/chats", "{").await.is(401, "unauthorized");
    anna.send("PUT", "/api/chats", "{}").await.is(405, "invalid_message");
}

#[tokio::test]
async fn the_members_of_a_room_are_those_who_are_in_it_now() {
    let edge = Edge::usual().await;
    let anna = edge.known("anna").await;
    let empty = anna.get("/api/rooms/room:lounge/members").await;
    assert_eq!((empty.status, empty.json()), (200, json!({"members": [], "count": 0})));
    let token = token(&json!({"sub": 7, "username": "Seven", "exp": seconds(60)}));
    let (mut socket, _) = connect_async(format!("ws://{}/?token={token}", edge.address)).await.unwrap();
    socket.send(Message::text(r#"{"type":"join_room","roomId":"lounge"}"#)).await.unwrap();
    let joined =
        tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap();
    assert!(joined.to_text().unwrap().contains("joined"), "{joined}");
    let members = anna.get("/api/rooms/room%3Alounge/members").await.json();
    assert_eq!(members, json!({"members": [{"userId": 7, "username": "Seven"}], "count": 1}));
    for (room, status, code) in [
        ("lounge", 422, "invalid_room"),
        ("event:1", 404, "not_found"),
        ("user:anna", 404, "not_found"),
        ("lobby:other", 404, "not_found"),
        ("chat:none", 403, "not_a_participant"),
    ] {
        anna.get(&format!("/api/rooms/{room}/members")).await.is(status, code);
    }
    assert_eq!(anna.get("/api/rooms/lobby:main/members").await.status, 200);
}
