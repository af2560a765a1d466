//! Files on their way in and out, over real HTTP and a real database file, and the messages that show them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod harness;

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use harness::{Edge, chat, seconds, token};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Everything that a test waits for must happen within this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest file.
const LIMIT: usize = 10 * 1024 * 1024;

/// Somebody who sends and fetches bytes.
struct Courier {
    address: SocketAddr,
    token: String,
}

/// What came back.
struct Fetched {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Fetched {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON: {:?}", self.body))
    }

    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, &self.json()["code"]), (status, &json!(code)), "{}", self.json());
    }
}

/// One part of a form.
fn part(head: &str, body: &[u8]) -> Vec<u8> {
    let mut part = format!("--frontier\r\nContent-Disposition: form-data; {head}\r\n\r\n").into_bytes();
    part.extend_from_slice(body);
    part.extend_from_slice(b"\r\n");
    part
}

fn room(key: &str) -> Vec<u8> {
    part("name=\"room\"", key.as_bytes())
}

fn file(name: &str, kind: &str, bytes: &[u8]) -> Vec<u8> {
    part(&format!("name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}"), bytes)
}

/// Bytes that differ from place to place.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from((place * 7 + place / 251) % 256).unwrap()).collect()
}

impl Courier {
    fn new(edge: &Edge, user: &str) -> Self {
        Self::with(edge, &json!({"sub": user, "exp": seconds(600)}))
    }

    fn with(edge: &Edge, claims: &Value) -> Self {
        Self { address: edge.address, token: token(claims) }
    }

    async fn ask(&self, head: &str, body: &[u8]) -> Fetched {
        let head = format!(
            "{head}\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            self.address, self.token
        );
        let exchange = async {
            let mut socket = TcpStream::connect(self.address).await.unwrap();
            socket.write_all(head.as_bytes()).await.unwrap();
            let (mut from, mut to) = socket.split();
            let mut answer = Vec::new();
            // Whoever is refused early is told while it still sends.
            let (_sent, read) = tokio::join!(to.write_all(body), from.read_to_end(&mut answer));
            read.unwrap();
            answer
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Fetched { status, head, body: answer[end + 4..].to_vec() }
    }

    async fn post(&self, parts: &[Vec<u8>]) -> Fetched {
        self.post_as(
            "multipart/form-data; boundary=frontier",
            &[&parts.concat(), b"--frontier--\r\n".as_slice()].concat(),
        )
        .await
    }

    async fn post_as(&self, kind: &str, body: &[u8]) -> Fetched {
        let head =
            format!("POST /api/uploads HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {}", body.len());
        self.ask(&head, body).await
    }

    /// Uploads, and returns what messages will show.
    async fn upload(&self, key: &str, name: &str, bytes: &[u8]) -> Value {
        let answer = self.post(&[room(key), file(name, "image/png", bytes)]).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()
    }

    async fn fetch(&self, id: &Value) -> Fetched {
        self.ask(&format!("GET /api/uploads/{} HTTP/1.1", id.as_str().unwrap()), b"").await
    }
}

/// A socket of the hub or of Socket.IO.
struct Live(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Live {
    async fn hub(edge: &Edge, user: &str) -> Self {
        let token = token(&json!({"sub": user, "exp": seconds(600)}));
        Self(connect_async(format!("ws://{}/ws?token={token}", edge.address)).await.unwrap().0)
    }

    async fn socketio(edge: &Edge, user: &str) -> Self {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", edge.address);
        let mut live = Self(connect_async(url).await.unwrap().0);
        let token = token(&json!({"sub": user, "exp": seconds(600)}));
        live.hears("0").await;
        live.say(&format!("40{}", json!({"token": token}))).await;
        live.hears("40{").await;
        live
    }

    async fn say(&mut self, frame: &str) {
        self.0.send(Message::text(frame)).await.unwrap();
    }

    /// The rest of the next frame that begins so.
    async fn hears(&mut self, beginning: &str) -> String {
        let heard = async {
            loop {
                let frame = self.0.next().await.unwrap().unwrap();
                if let Some(rest) = frame.to_text().unwrap().strip_prefix(beginning) {
                    return rest.to_owned();
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("a frame in time")
    }

    /// The next frame of the hub with this type.
    async fn told(&mut self, kind: &str) -> Value {
        let rest = self.hears(&format!("{{\"type\":\"{kind}\"")).await;
        serde_json::from_str(&format!("{{\"type\":\"{kind}\"{rest}")).unwrap()
    }
}

#[tokio::test]
async fn a_file_is_its_owners_alone_until_a_message_of_the_hub_shows_it() {
    let edge = Edge::usual().await;
    let (anna, _bob, _eve) = (edge.known("anna").await, edge.known("bob").await, edge.known("eve").await);
    let chat = chat(&anna, &["bob"]).await;
    let key = format!("chat:{chat}");
    let (owner, other, outsider) =
        (Courier::new(&edge, "anna"), Courier::new(&edge, "bob"), Courier::new(&edge, "eve"));
    let whole = bytes(5 * 1024 * 1024);
    let shown = owner.upload(&key, "grüße.png", &whole).await;
    let id = &shown["id"];
    assert_eq!(shown, json!({"id": id, "name": "grüße.png", "type": "image/png", "size": whole.len()}));
    assert!(owner.fetch(id).await.body == whole);
    other.fetch(id).await.is(404, "not_found");
    outsider.fetch(id).await.is(404, "not_found");
    let (mut bob, mut ann) = (Live::hub(&edge, "bob").await, Live::hub(&edge, "anna").await);
    for hub in [&mut bob, &mut ann] {
        hub.say(&json!({"type": "join_room", "roomId": key}).to_string()).await;
        hub.told("joined").await;
    }
    ann.say(
        &json!({"type": "chat", "roomId": key, "message": "", "attachmentIds": [id], "ref": 1}).to_string(),
    )
    .await;
    let heard = bob.told("chat").await;
    assert_eq!((&heard["message"], &heard["attachments"]), (&json!(""), &json!([shown])));
    assert!(other.fetch(id).await.body == whole);
    outsider.fetch(id).await.is(403, "not_a_participant");
    let page = edge.user("bob").get(&format!("/api/rooms/{key}/messages")).await.json();
    assert_eq!(page["messages"][0]["attachments"], json!([shown]));
    let message = &heard["id"];
    ann.say(&json!({"type": "delete", "roomId": key, "id": message}).to_string()).await;
    bob.told("deleted").await;
    other.fetch(id).await.is(404, "not_found");
    assert!(owner.fetch(id).await.body == whole, "what was taken back is its owner's alone again");
    let again = owner.upload(&key, "b.txt", b"b").await;
    ann.say(
        &json!({"type": "chat", "roomId": key, "message": "b", "attachmentIds": [again["id"]]}).to_string(),
    )
    .await;
    bob.told("chat").await;
    assert!(other.fetch(&again["id"]).await.body == b"b");
    edge.user("anna").delete(&format!("/api/chats/{chat}/participants/bob")).await;
    other.fetch(&again["id"]).await.is(403, "not_a_participant");
}

#[tokio::test]
async fn a_message_of_socket_io_shows_files_and_only_the_senders_own_of_this_chat() {
    let edge = Edge::usual().await;
    let (anna, _bob) = (edge.known("anna").await, edge.known("bob").await);
    let (here, there) = (chat(&anna, &["bob"]).await, chat(&anna, &["bob"]).await);
    let (owner, other) = (Courier::new(&edge, "anna"), Courier::new(&edge, "bob"));
    let first = owner.upload(&format!("chat:{here}"), "a.png", b"first").await;
    let second = owner.upload(&format!("chat:{here}"), "b.png", b"second").await;
    let elsewhere = owner.upload(&format!("chat:{there}"), "c.png", b"elsewhere").await;
    let others = other.upload(&format!("chat:{here}"), "d.png", b"bob's").await;
    let (mut bob, mut ann) = (Live::socketio(&edge, "bob").await, Live::socketio(&edge, "anna").await);
    edge.seated(&format!("chat:{here}"), "bob").await;
    let send = |ids: Value| {
        format!("421{}", json!(["message:send", {"chatId": here, "content": "", "attachmentIds": ids}]))
    };
    for ids in [json!([first["id"], elsewhere["id"]]), json!([first["id"], others["id"]])] {
        ann.say(&send(ids)).await;
        assert!(ann.hears("431").await.contains("not_found"));
    }
    other.fetch(&first["id"]).await.is(404, "not_found");
    ann.say(&send(json!([second["id"], first["id"]]))).await;
    assert!(ann.hears("431").await.contains("\"ok\":true"));
    let heard = bob.hears("42[\"message:new\",").await;
    // Behind the message stands its place.
    let heard: Value = serde_json::from_str::<Value>(&format!("[{heard}")).unwrap()[0].take();
    assert_eq!(heard["attachments"], json!([second, first]));
    assert_eq!(other.fetch(&first["id"]).await.body, b"first");
    // Shown once more, it is still one file.
    ann.say(&send(json!([first["id"]]))).await;
    assert!(ann.hears("431").await.contains("\"ok\":true"));
}

#[tokio::test]
async fn a_file_comes_back_as_something_to_be_saved_and_never_as_a_page() {
    let edge = Edge::usual().await;
    let anna = Courier::new(&edge, "anna");
    let answer = anna
        .post(&[
            file("..\\..\\evil \u{202e}\"x\".html", "text/html; charset=utf-8", b"<script>"),
            part("name=\"note\"", b"is of no interest"),
            room("room:lounge"),
        ])
        .await;
    // A quotation mark ends the name; what is behind it is none.
    assert_eq!(answer.status, 201, "{}", answer.json());
    let id = answer.json()["id"].clone();
    let fetched = anna.fetch(&id).await;
    assert_eq!((fetched.status, fetched.body.as_slice()), (200, b"<script>".as_slice()));
    for (name, value) in [
        ("content-type", "text/html"),
        ("content-length", "8"),
        ("content-disposition", "attachment; filename*=UTF-8''evil"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(fetched.header(name), Some(value), "{name}");
    }
    let head = anna.ask(&format!("HEAD /api/uploads/{} HTTP/1.1", id.as_str().unwrap()), b"").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("8"), 0));
    let nameless = anna.post(&[part("name=\"file\"", b""), room("lobby:main")]).await.json();
    assert_eq!(
        (&nameless["name"], &nameless["type"], &nameless["size"]),
        (&json!("file"), &json!("application/octet-stream"), &json!(0))
    );
    assert_eq!(anna.fetch(&nameless["id"]).await.body, b"");
}

#[tokio::test]
async fn the_largest_file_is_taken_and_one_byte_more_is_refused_as_soon_as_it_comes() {
    let edge = Edge::usual().await;
    let anna = Courier::new(&edge, "anna");
    let whole = vec![7; LIMIT + 1];
    let largest = anna.post(&[room("room:lounge"), file("a", "image/png", &whole[..LIMIT])]).await;
    assert_eq!((largest.status, &largest.json()["size"]), (201, &json!(LIMIT)));
    anna.post(&[room("room:lounge"), file("a", "image/png", &whole)]).await.is(413, "too_large");
    anna.post(&[room("room:lounge"), file("a", "image/png", &vec![7; 2 * LIMIT])]).await.is(413, "too_large");
    // Of what further fields hold, nothing is kept, but not everything is read either.
    let padding = part("name=\"padding\"", &whole);
    anna.post(&[room("room:lounge"), file("a", "image/png", &whole[..LIMIT]), padding])
        .await
        .is(413, "too_large");
    // In chunks nobody says how much there is; the end never comes.
    let head = "POST /api/uploads HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=frontier\r\nTransfer-Encoding: chunked";
    let beginning = [room("room:lounge"), file("a", "image/png", &whole)].concat();
    let chunked = [format!("{:x}\r\n", beginning.len()).into_bytes(), beginning].concat();
    anna.ask(head, &chunked).await.is(413, "too_large");
}

#[tokio::test]
async fn a_request_that_is_not_in_order_is_refused() {
    let edge = Edge::usual().await;
    let anna = edge.known("anna").await;
    let off = chat(&edge.known("bob").await, &[]).await;
    let own = chat(&anna, &[]).await;
    let anna = Courier::new(&edge, "anna");
    let cat = || file("cat.png", "image/png", &bytes(300_000));
    for (parts, status, code) in [
        (vec![room("room:a")], 422, "invalid_message"),
        (vec![], 422, "invalid_message"),
        (vec![cat()], 422, "invalid_message"),
        (vec![room("room:a"), cat(), cat()], 422, "invalid_message"),
        (vec![room("room:a"), room("room:a"), cat()], 422, "invalid_message"),
        (vec![room("room:a"), cat(), room("room:b")], 422, "invalid_message"),
        (vec![room("lounge"), cat()], 422, "invalid_room"),
        (vec![cat(), room("lounge")], 422, "invalid_room"),
        (vec![room(&"x".repeat(2000)), cat()], 422, "invalid_room"),
        (vec![room("cluster:all"), cat()], 422, "invalid_room"),
        (vec![room("event:1"), cat()], 404, "not_found"),
        (vec![room("user:anna"), cat()], 404, "not_found"),
        (vec![cat(), room("lobby:other")], 404, "not_found"),
        (vec![room(&format!("chat:{off}")), cat()], 403, "not_a_participant"),
        (vec![cat(), room("chat:none")], 403, "not_a_participant"),
    ] {
        anna.post(&parts).await.is(status, code);
    }
    assert_eq!(anna.post(&[cat(), room(&format!("chat:{own}"))]).await.status, 201);
    let narrow = Courier::with(&edge, &json!({"sub": "anna", "rooms": ["room:a"], "exp": seconds(600)}));
    narrow.post(&[room("room:b"), cat()]).await.is(403, "forbidden");
    narrow.post(&[room(&format!("chat:{own}")), cat()]).await.is(403, "forbidden");
    let for_b = anna.upload("room:b", "b.png", b"b").await;
    narrow.fetch(&for_b["id"]).await.is(403, "forbidden");
    let nobody = Courier { token: "bad".to_owned(), ..Courier::new(&edge, "anna") };
    nobody.post(&[room("room:a"), cat()]).await.is(401, "unauthorized");
    nobody.fetch(&for_b["id"]).await.is(401, "unauthorized");
    for id in ["none", "01976c1e-0000-7000-8000-000000000000", "%FF", "a%2Fb"] {
        anna.fetch(&json!(id)).await.is(404, "not_found");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_is_malformed() {
    let edge = Edge::usual().await;
    let anna = Courier::new(&edge, "anna");
    let form = [room("room:a"), file("a", "image/png", b"cat")].concat();
    let kind = "multipart/form-data; boundary=frontier";
    for (kind, body) in [
        ("application/json", b"{}".as_slice()),
        ("multipart/form-data", &form),
        ("multipart/mixed; boundary=frontier", &form),
        (kind, b"frontier"),
        (kind, b""),
        // It ends before its end.
        (kind, &form),
        (kind, &form[..form.len() / 2]),
        (kind, b"--frontier\r\nContent-Disposition: form-data; name=\"file\"\r\nnothing"),
        // The head of a part that never ends, and a border that never comes.
        (kind, &[b"--frontier\r\nContent-Disposition: ".as_slice(), &[b'a'; 500_000]].concat()),
        (kind, &[b'a'; 500_000]),
    ] {
        anna.post_as(kind, body).await.is(400, "invalid_message");
    }
}

#[tokio::test]
async fn many_files_come_in_at_once_and_each_is_whole() {
    let edge = Edge::usual().await;
    let anna = Courier::new(&edge, "many");
    let wholes: Vec<_> = (0..16).map(|number| bytes(400_000 + number)).collect();
    let uploaded = join_all(wholes.iter().map(|whole| anna.upload("room:lounge", "a", whole))).await;
    let fetched = join_all(uploaded.iter().map(|upload| anna.fetch(&upload["id"]))).await;
    assert!(fetched.iter().map(|fetched| &fetched.body).eq(wholes.iter()));
}
