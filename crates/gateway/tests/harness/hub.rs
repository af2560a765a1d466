//! Sockets at the hub's door, as a test hears them.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Edge, seconds, token};

/// A connection.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Everything that a test waits for must happen within this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

impl Edge {
    /// A connection of this user to the hub, welcomed.
    pub(crate) async fn hub(&self, claims: &Value) -> Socket {
        let url = format!("ws://{}/ws?token={}", self.address, token(claims));
        let (mut socket, _) = connect_async(url).await.unwrap();
        heard(&mut socket, "welcome").await;
        socket
    }
}

/// The claims of a user with an ordinary token.
pub(crate) fn claims(user: &str) -> Value {
    json!({"sub": user, "username": format!("{user}!"), "exp": seconds(600)})
}

/// The next frame of this type.
pub(crate) async fn heard(socket: &mut Socket, kind: &str) -> Value {
    let told = async {
        loop {
            let message = socket.next().await.expect("the connection is open").unwrap();
            let Ok(frame) = serde_json::from_str::<Value>(message.to_text().unwrap()) else { continue };
            if frame["type"] == kind {
                return frame;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("{kind} in time"))
}

/// The code with which the connection ends.
pub(crate) async fn closed(mut socket: Socket) -> u16 {
    let ended = async {
        loop {
            let message = socket.next().await.expect("a close frame comes first").unwrap();
            if let Message::Close(Some(frame)) = message {
                return u16::from(frame.code);
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("it ends in time")
}
