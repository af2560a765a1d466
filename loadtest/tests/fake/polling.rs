//! Long-polling and upgrades in front of the fake server: each session is one WebSocket behind.
//!
//! Owns the HTTP side alone, so every misdeed of the fake is heard by polling too. It is strict where stock servers are:
//! one poll at a time, no request without the cookie that it sets, and of a session that changes over nothing but the
//! probe until the client says that it has taken over.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use futures::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
    task::JoinSet,
};
use tokio_tungstenite::{accept_async, connect_async, tungstenite::Message};

const SEPARATOR: char = '\u{1e}';

/// What the server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrades {
    Offered,
    NotOffered,
    /// Offered, and never answered.
    Ignored,
}

/// What was seen.
#[derive(Default)]
pub struct Seen {
    pub connections: AtomicU64,
    pub polls: AtomicU64,
    pub posts: AtomicU64,
    /// Posts and answers with more than one packet.
    pub bundles: AtomicU64,
    pub upgrades: AtomicU64,
}

pub struct Front {
    pub target: String,
    pub seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

struct Shared {
    behind: String,
    upgrades: Upgrades,
    seen: Arc<Seen>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
}

struct Session {
    /// Bounded; the tests never have as many packets under way.
    to_client: tokio::sync::Mutex<mpsc::Receiver<String>>,
    from_client: mpsc::Sender<String>,
    /// Somebody probes: the waiting poll is let go.
    probed: Notify,
}

struct Request {
    method: String,
    query: HashMap<String, String>,
    cookie: String,
    body: String,
}

impl Front {
    /// A front of the server at `behind`.
    pub async fn start(behind: &str, upgrades: Upgrades) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Seen::default());
        let (behind, sessions) = (behind.to_owned(), Mutex::default());
        let shared = Arc::new(Shared { behind, upgrades, seen: Arc::clone(&seen), sessions });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.seen.connections.fetch_add(1, Relaxed);
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { target, seen, _tasks: tasks }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    // A client that is gone is what some tests are about.
    let mut start = vec![0; 2048];
    let length = stream.peek(&mut start).await.unwrap_or_default();
    if String::from_utf8_lossy(&start[..length]).contains("transport=websocket") {
        change_over(stream, &shared).await;
        return;
    }
    while let Some(request) = read(&mut stream).await {
        let (status, cookie, body) = answer(&request, &shared).await;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n{cookie}Content-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let length: usize = header("content-length: ").parse().unwrap_or_default();
    while bytes.len() < head + length {
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    }
    let mut words = text.split(' ');
    let method = words.next().unwrap().to_owned();
    let query = query(words.next().unwrap());
    let body = String::from_utf8(bytes[head..].to_vec()).unwrap();
    Some(Request { method, query, cookie: header("cookie: ").to_owned(), body })
}

fn query(path: &str) -> HashMap<String, String> {
    let pairs = path.split_once('?').map_or("", |(_, query)| query).split('&');
    pairs.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

async fn answer(request: &Request, shared: &Shared) -> (&'static str, String, String) {
    assert_eq!((&*request.query["EIO"], &*request.query["transport"]), ("4", "polling"));
    let Some(sid) = request.query.get("sid") else {
        let (sid, opening) = open(shared).await;
        return ("200 OK", format!("Set-Cookie: node={sid}; Path=/; HttpOnly\r\n"), opening);
    };
    let refused = |code: u8| ("400 Bad Request", String::new(), format!("{{\"code\":{code}}}"));
    let session = shared.sessions.lock().unwrap().get(sid).cloned();
    let Some(session) = session.filter(|_| request.cookie == format!("node={sid}")) else {
        return refused(1);
    };
    let body = match request.method.as_str() {
        "GET" => poll(&session, shared).await,
        "POST" => post(&session, &request.body, shared).await,
        other => panic!("the swarm asked {other}"),
    };
    match body {
        Some(body) => ("200 OK", String::new(), body),
        None => {
            shared.sessions.lock().unwrap().remove(sid);
            refused(1)
        }
    }
}

/// A session is a connection behind, whose opening it takes over.
async fn open(shared: &Shared) -> (String, String) {
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", shared.behind);
    let (mut socket, _) = connect_async(url).await.unwrap();
    let Some(Ok(Message::Text(opening))) = socket.next().await else { panic!("nothing opens") };
    assert!(opening.starts_with('0'));
    let (to_client, packets) = mpsc::channel(10_000);
    let (from_client, mut said) = mpsc::channel::<String>(10_000);
    let sid = format!("{:08x}", rand::random::<u32>());
    let session = Session { to_client: tokio::sync::Mutex::new(packets), from_client, probed: Notify::new() };
    shared.sessions.lock().unwrap().insert(sid.clone(), Arc::new(session));
    // Ends with either side: the session's end closes the channel, the server's closes the socket.
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(packet) = said.recv() => if socket.send(Message::text(packet)).await.is_err() { break },
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => to_client.send(text.to_string()).await.unwrap_or_default(),
                    Some(Ok(Message::Ping(_))) => {}
                    _ => break,
                },
                else => break,
            }
        }
    });
    let upgrades = if shared.upgrades == Upgrades::NotOffered { "[]" } else { "[\"websocket\"]" };
    let opening = format!(
        "0{{\"sid\":\"{sid}\",\"upgrades\":{upgrades},\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":300}}"
    );
    (sid, opening)
}

async fn poll(session: &Session, shared: &Shared) -> Option<String> {
    shared.seen.polls.fetch_add(1, Relaxed);
    let mut packets = session.to_client.try_lock().expect("one poll at a time");
    let mut body = tokio::select! {
        biased;
        packet = packets.recv() => packet?,
        () = session.probed.notified() => "6".into(),
    };
    let mut bundled = false;
    while let Ok(packet) = packets.try_recv() {
        bundled = true;
        body = format!("{body}{SEPARATOR}{packet}");
    }
    shared.seen.bundles.fetch_add(u64::from(bundled), Relaxed);
    Some(body)
}

async fn post(session: &Session, body: &str, shared: &Shared) -> Option<String> {
    shared.seen.posts.fetch_add(1, Relaxed);
    assert!(body.len() <= 300 || !body.contains(SEPARATOR), "more than the server takes at once: {body}");
    shared.seen.bundles.fetch_add(u64::from(body.contains(SEPARATOR)), Relaxed);
    for packet in body.split(SEPARATOR) {
        if packet == "1" {
            return None;
        }
        session.from_client.send(packet.to_owned()).await.ok()?;
    }
    Some("ok".into())
}

/// A probe, and what follows it.
async fn change_over(stream: TcpStream, shared: &Shared) {
    let mut start = vec![0; 2048];
    let length = stream.peek(&mut start).await.unwrap();
    let head = String::from_utf8_lossy(&start[..length]).into_owned();
    let sid = query(head.split(' ').nth(1).unwrap())["sid"].clone();
    assert!(head.to_lowercase().contains(&format!("cookie: node={sid}")), "{head}");
    let Some(session) = shared.sessions.lock().unwrap().get(&sid).cloned() else { return };
    let mut socket = accept_async(stream).await.unwrap();
    let said = |message| match message {
        Some(Ok(Message::Text(text))) => Some(text.to_string()),
        _ => None,
    };
    if said(socket.next().await).as_deref() != Some("2probe") {
        return;
    }
    if shared.upgrades == Upgrades::Ignored {
        // Nothing but the end of the connection follows.
        return;
    }
    session.probed.notify_one();
    socket.send(Message::text("3probe")).await.unwrap();
    if said(socket.next().await).as_deref() != Some("5") {
        return;
    }
    shared.seen.upgrades.fetch_add(1, Relaxed);
    let mut packets = session.to_client.try_lock().expect("no poll is left");
    loop {
        tokio::select! {
            packet = packets.recv() => {
                let Some(packet) = packet else { break };
                if socket.send(Message::text(packet)).await.is_err() { break }
            }
            message = socket.next() => {
                let Some(packet) = said(message) else { break };
                if session.from_client.send(packet).await.is_err() { break }
            }
        }
    }
    shared.sessions.lock().unwrap().remove(&sid);
}
