//! The fake server's Socket.IO: a thin layer around the raw frames, which are what the rest of it speaks.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::{Habits, socket::user_of};

type Socket = WebSocketStream<TcpStream>;

/// Opens the transport and lets the client into the namespace; its token. Nobody gets in without a sign of life.
pub async fn welcome(socket: &mut Socket) -> Option<String> {
    say(socket, r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}"#)
        .await?;
    let connect = hear(socket).await?;
    let auth: Value = serde_json::from_str(connect.strip_prefix("40").unwrap()).unwrap();
    let token = auth["token"].as_str().unwrap().to_owned();
    say(socket, "2").await?;
    assert_eq!(hear(socket).await?, "3");
    if user_of(&token).is_none() {
        let refusal = r#"44{"message":"Authentication error","data":{"code":"unauthorized"}}"#;
        say(socket, refusal).await?;
        // The client hangs up.
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
        return None;
    }
    say(socket, r#"40{"sid":"p"}"#).await?;
    Some(token)
}

async fn say(socket: &mut Socket, packet: &str) -> Option<()> {
    socket.send(Message::text(packet)).await.ok()
}

async fn hear(socket: &mut Socket) -> Option<String> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Some(text.to_string()),
        _ => None,
    }
}

/// The raw command in a packet; `ref` is the number of the acknowledgement that it asks for.
pub fn command(packet: &str) -> String {
    let (number, arguments) = packet.strip_prefix("42").unwrap().split_once('[').unwrap();
    let arguments: Value = serde_json::from_str(&format!("[{arguments}")).unwrap();
    let mut command = arguments[1].clone();
    command["ref"] = number.parse::<u64>().unwrap().into();
    command["type"] = match arguments[0].as_str().unwrap() {
        "join_room" => "join_room".into(),
        "leave_room" => "leave_room".into(),
        "send_message" => "chat".into(),
        other => panic!("the swarm sent {other}"),
    };
    if let Some(text) = command.get("text").cloned() {
        command["message"] = text;
    }
    command.to_string()
}

/// The packets that say what a raw frame says.
pub fn packets(frame: &str, habits: &Habits) -> Vec<String> {
    let mut frame: Value = serde_json::from_str(frame).unwrap();
    let reference = frame["ref"].as_u64();
    if habits.numbers_nothing {
        frame["id"] = "x-1".into();
        frame["seq"] = 7.into();
    }
    let answer = |body: Value| format!("43{}[{body}]", reference.unwrap());
    match frame["type"].as_str().unwrap() {
        "chat" => {
            frame["text"] = frame["message"].take();
            vec![format!("42[\"receive_message\",{frame},\"place\"]")]
        }
        "joined" => {
            let history = frame["history"].take();
            let replayed =
                history.as_array().unwrap().iter().flat_map(|item| packets(&item.to_string(), habits));
            frame["ok"] = true.into();
            replayed.chain([answer(frame.clone())]).collect()
        }
        "accepted" => vec![answer(frame)],
        "left" => vec![answer(json!({"ok": true}))],
        "error" => vec![answer(json!({"ok": false, "error": frame}))],
        other => vec![format!("42[\"{other}\",{frame}]")],
    }
}
