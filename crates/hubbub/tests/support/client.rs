//! A client for tests: a real WebSocket that sends anything and says what came back.

use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{PATIENCE, token};

/// Within this time a healthy client hears a message, whatever anybody else does.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// With a close frame: code and reason.
    Closed(u16, String),
    /// Without one.
    Cut,
}

/// One connection at the door of the raw JSON clients.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// A user with a good token.
    pub(crate) async fn of(user: &str, port: u16) -> Self {
        Self::connect(port, &format!("/?token={}", token::of(user))).await
    }

    /// Any path of the server; the upgrade must succeed.
    pub(crate) async fn connect(port: u16, path: &str) -> Self {
        Self::over(TcpSocket::new_v4().expect("one more socket"), port, path).await
    }

    /// The same over a socket with settings of its own.
    pub(crate) async fn over(socket: TcpSocket, port: u16, path: &str) -> Self {
        let address = ([127, 0, 0, 1], port).into();
        let stream = within(socket.connect(address)).await.expect("the server listens");
        let upgraded = within(client_async(format!("ws://127.0.0.1:{port}{path}"), stream)).await;
        Self { socket: upgraded.expect("the upgrade is completed").0 }
    }

    /// Sends one JSON frame.
    pub(crate) async fn send(&mut self, frame: &Value) {
        self.text(frame.to_string()).await;
    }

    /// Sends one text frame as it is.
    pub(crate) async fn text(&mut self, text: impl Into<String>) {
        within(self.socket.send(Message::text(text.into()))).await.expect("the connection is open");
    }

    /// Sends one binary frame.
    pub(crate) async fn binary(&mut self, bytes: &'static [u8]) {
        within(self.socket.send(Message::binary(bytes))).await.expect("the connection is open");
    }

    /// Sends bytes as a text frame, whether they are text or not.
    pub(crate) async fn unchecked_text(&mut self, bytes: &'static [u8]) {
        let frame = Frame::message(Bytes::from_static(bytes), OpCode::Data(Data::Text), true);
        within(self.socket.send(Message::Frame(frame))).await.expect("the connection is open");
    }

    /// Puts a frame into the stream without waiting for the server to take it; an end is no mistake.
    pub(crate) async fn try_text(&mut self, text: String) -> bool {
        self.socket.send(Message::text(text)).await.is_ok()
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match within(self.receive()).await {
            Ok(frame) => frame,
            Err(end) => panic!("the connection ended with {end:?}"),
        }
    }

    /// The next frame of this type; others are passed over, but no error is.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            assert_ne!(frame["type"], "error", "{frame}");
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// The next frame, or how the connection ended. Waits as long as it takes.
    pub(crate) async fn receive(&mut self) -> Result<Value, End> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("the server writes JSON"));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(End::Closed(frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(End::Cut),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("an unexpected frame: {other:?}"),
            }
        }
    }

    /// Everything up to the end, and the end.
    pub(crate) async fn end(&mut self) -> (Vec<Value>, End) {
        let mut frames = Vec::new();
        loop {
            match within(self.receive()).await {
                Ok(frame) => frames.push(frame),
                Err(end) => return (frames, end),
            }
        }
    }

    /// Says goodbye and waits until the server has answered.
    pub(crate) async fn leave(mut self) {
        match self.socket.close(None).await {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            Err(error) => panic!("{error}"),
        }
        self.end().await;
    }

    /// Joins a room and returns the answer.
    pub(crate) async fn join(&mut self, room: &str) -> Value {
        self.send(&json!({ "type": "join_room", "roomId": room, "history": 0 })).await;
        self.until("joined").await
    }

    /// Says something in a room.
    pub(crate) async fn say(&mut self, room: &str, text: &str) {
        self.send(&json!({ "type": "chat", "roomId": room, "message": text })).await;
    }

    /// Hears the next message of the room, which must be this one and come at once.
    pub(crate) async fn hears(&mut self, text: &str) {
        let began = Instant::now();
        let frame = self.next().await;
        assert_eq!((&frame["type"], &frame["message"]), (&json!("chat"), &json!(text)), "{frame}");
        assert!(began.elapsed() < AT_ONCE, "{:?} until {text} was heard", began.elapsed());
    }

    /// Says something and hears it at once, as the very next frame: nobody has disturbed this connection.
    pub(crate) async fn is_undisturbed(&mut self, room: &str) {
        let text = format!("probe {:?}", Instant::now());
        self.say(room, &text).await;
        self.hears(&text).await;
    }
}

/// Waits under a timeout.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it happens in time")
}
