//! A client written by hand: one connection for each request, so that requests can cross and be hung up.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::within;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body of a 200.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.body
    }
}

/// A request that was written and not answered yet.
pub(crate) struct Asked(TcpStream);

impl Asked {
    pub(crate) async fn answer(mut self) -> Answer {
        within(async {
            let mut bytes = Vec::new();
            self.0.read_to_end(&mut bytes).await.unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Answer { status, head: head.to_owned(), body: body.to_owned() }
        })
        .await
    }
}

/// Writes a request; its connection ends with the answer.
pub(crate) async fn ask(at: SocketAddr, method: &str, query: &str, body: &[u8]) -> Asked {
    let length = body.len();
    let head = format!(
        "{method} /?{query} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    Asked(stream)
}

/// One long-polling session.
pub(crate) struct Polling {
    at: SocketAddr,
    pub(crate) sid: String,
}

impl Polling {
    pub(crate) async fn open(at: SocketAddr) -> Self {
        Self::open_with(at, "EIO=4&transport=polling").await
    }

    pub(crate) async fn open_with(at: SocketAddr, query: &str) -> Self {
        let answer = ask(at, "GET", query, b"").await.answer().await;
        let hello: serde_json::Value = serde_json::from_str(answer.ok().strip_prefix('0').unwrap()).unwrap();
        Self { at, sid: hello["sid"].as_str().unwrap().to_owned() }
    }

    fn query(&self) -> String {
        format!("EIO=4&transport=polling&sid={}", self.sid)
    }

    /// A poll that waits.
    pub(crate) async fn begin_poll(&self) -> Asked {
        ask(self.at, "GET", &self.query(), b"").await
    }

    pub(crate) async fn poll(&self) -> Answer {
        self.begin_poll().await.answer().await
    }

    pub(crate) async fn post(&self, body: impl AsRef<[u8]>) -> Answer {
        ask(self.at, "POST", &self.query(), body.as_ref()).await.answer().await
    }

    /// A WebSocket that knows the session's id.
    pub(crate) async fn websocket(&self) -> Socket {
        Socket::open(self.at, &format!("&sid={}", self.sid)).await.unwrap().0
    }
}

/// A WebSocket.
#[derive(Debug)]
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(at: SocketAddr, more: &str) -> Result<(Self, Response<Option<Vec<u8>>>), Error> {
        let url = format!("ws://{at}/?EIO=4&transport=websocket{more}");
        let (socket, response) = within(connect_async(url)).await?;
        Ok((Self(socket), response))
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Message {
        within(self.0.next()).await.expect("a message").expect("no reset")
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.as_str().to_owned(),
            other => panic!("a text, not {other:?}"),
        }
    }

    /// Code and reason of the close frame, which comes next.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Message::Close(Some(frame)) => (frame.code.into(), frame.reason.as_str().to_owned()),
            other => panic!("a close frame, not {other:?}"),
        }
    }
}
