//! The hub in front of the fake server: each connection is a Socket.IO one behind, whose words it translates.
//!
//! Owns the hub's own manners: the welcome, the marks, acknowledgements, and a room's changes, which it numbers nowhere:
//! they are the real server's.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_tungstenite::{
    accept_hdr_async, connect_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
    },
};

pub struct Hub {
    pub target: String,
    _tasks: JoinSet<()>,
}

impl Hub {
    /// A hub in front of the server at `behind`.
    pub async fn start(behind: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let (behind, mut tasks) = (behind.to_owned(), JoinSet::new());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, behind.clone()));
            }
        });
        Self { target, _tasks: tasks }
    }
}

async fn serve(stream: TcpStream, behind: String) {
    let mut query = String::new();
    #[allow(clippy::result_large_err)] // the library's signature
    let keep = |request: &Request, response: Response| {
        assert_eq!(request.uri().path(), "/ws");
        query = request.uri().query().unwrap_or_default().to_owned();
        Ok(response)
    };
    let Ok(mut client) = accept_hdr_async(stream, keep).await else { return };
    let url = format!("ws://{behind}/socket.io/?EIO=4&transport=websocket");
    let (mut server, _) = connect_async(url).await.unwrap();
    let token = query.trim_start_matches("token=");
    server.send(Message::text(format!("40{}", json!({"token": token})))).await.unwrap();
    loop {
        tokio::select! {
            said = client.next() => {
                let Some(Ok(Message::Text(text))) = said else { return };
                if let Some(packet) = packet(&text) && server.send(Message::text(packet)).await.is_err() { return }
            }
            heard = server.next() => {
                let answer = match heard {
                    Some(Ok(Message::Text(text))) if text == "2" => {
                        let _ = server.send(Message::text("3")).await;
                        None
                    }
                    Some(Ok(Message::Text(text))) => frame(&text),
                    // The codes mean the same at both doors.
                    Some(Ok(Message::Close(frame))) => {
                        let _ = client.close(frame).await;
                        return;
                    }
                    _ => return,
                };
                if let Some(frame) = answer && client.send(Message::text(frame)).await.is_err() { return }
            }
        }
    }
}

/// What the client wants, as the server behind understands it.
fn packet(text: &str) -> Option<String> {
    let mut frame: Value = serde_json::from_str(text).unwrap();
    match frame["type"].as_str().unwrap() {
        "join_room" => Some(format!("420[\"join_room\",{frame}]")),
        "chat" => {
            frame["text"] = frame["message"].clone();
            let mark = frame["ref"].as_u64().expect("every message has a mark") + 1;
            Some(format!("42{mark}[\"send_message\",{frame}]"))
        }
        other => panic!("the swarm sent {other}"),
    }
}

/// What the server says, in the hub's words.
fn frame(packet: &str) -> Option<String> {
    if packet.starts_with("40") {
        return Some(json!({"type": "welcome", "connectionId": "c", "userId": "u", "users": []}).to_string());
    }
    if let Some(event) = packet.strip_prefix("42") {
        let event: Value = serde_json::from_str(event).unwrap();
        let mut frame = event[1].clone();
        frame["type"] = match event[0].as_str().unwrap() {
            "receive_message" => "chat".into(),
            name => name.into(),
        };
        if let Some(text) = frame.get("text").cloned() {
            frame["message"] = text;
        }
        return Some(frame.to_string());
    }
    let (mark, answer) = packet.strip_prefix("43")?.split_once('[')?;
    let mut frame: Value = serde_json::from_str(answer.trim_end_matches(']')).ok().or_else(|| {
        // The page of an answer may end in brackets of its own.
        serde_json::from_str(&answer[..answer.len() - 1]).ok()
    })?;
    let mark: u64 = mark.parse().unwrap();
    if frame["ok"] == false {
        frame = frame["error"].take();
        frame["type"] = "error".into();
    } else {
        frame["type"] = if mark == 0 { "joined".into() } else { "ack".into() };
    }
    if mark > 0 {
        frame["ref"] = (mark - 1).into();
    } else {
        frame["history"] = json!([]);
        frame.as_object_mut().unwrap().remove("ref");
    }
    Some(frame.to_string())
}
