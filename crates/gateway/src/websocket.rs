//! A WebSocket as the domain's `Transport`.
//!
//! Owns buffers, close codes of the WebSocket layer itself (1002, 1007) and the goodbye. Invariants:
//! memory per connection is bounded whatever the peer does, and `close` returns within its deadline.

use std::time::Duration;

use bytes::Bytes;
use domain::node::{Gone, Inbound, Transport};
use domain::words::{CloseReason, Limits};
use futures::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Allocated at once for every connection, hence small: 128 KiB, the default, would be most of our memory. A chat
/// frame fits; a larger one takes a few more reads.
const READ_BUFFER: usize = 1024;
/// What is fed is written out when there is this much of it, or at a flush.
const WRITE_BUFFER: usize = 16 * 1024;
/// The write buffer is never larger than this: one page of history and the rest of a full buffer fit.
const MAX_WRITE_BUFFER: usize = 1024 * 1024;
/// How long a goodbye may take, from the close frame to the peer's.
const GOODBYE: Duration = Duration::from_secs(2);

/// One client's WebSocket.
pub struct WebSocket {
    socket: WebSocketStream<TokioIo<Upgraded>>,
    /// Why nothing more is read, once that is so.
    over: Option<Over>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The peer said goodbye; our answer may still have to be written.
    Goodbye,
    /// The peer broke the rules of the layer; it is told which.
    Broke(CloseCode),
    /// A message above the limit.
    TooLarge,
    /// The stream has ended.
    Ended,
}

impl WebSocket {
    /// The layer's settings under these limits.
    pub(crate) fn config(limits: &Limits) -> WebSocketConfig {
        let frame = (limits.frame > 0).then_some(limits.frame);
        WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(frame)
            .max_frame_size(frame)
    }

    /// The server's end of an upgraded connection.
    pub(crate) async fn server(stream: TokioIo<Upgraded>, config: WebSocketConfig) -> Self {
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        Self { socket, over: None }
    }

    /// Ends what cannot be read any more, as far as the layer itself must answer.
    async fn finish(&mut self, over: Over) -> Inbound {
        match over {
            Over::TooLarge => return Inbound::TooLarge,
            // Writes our own close frame, which the layer has queued.
            Over::Goodbye => drop(timeout(GOODBYE, self.socket.flush()).await),
            Over::Broke(code) => drop(timeout(GOODBYE, self.part(code, "")).await),
            Over::Ended => {}
        }
        self.over = Some(Over::Ended);
        Inbound::Gone
    }

    /// Sends a close frame and waits for the peer's, or for its end of the stream.
    async fn part(&mut self, code: CloseCode, reason: &'static str) {
        let frame = CloseFrame { code, reason: reason.into() };
        if self.socket.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        // Ends after the peer's close frame, and at once where the layer reads no further.
        while let Some(Ok(_)) = self.socket.next().await {}
        // Closing with unread bytes would reset the connection, and the peer might lose our close frame.
        let stream = self.socket.get_mut();
        let mut rest = vec![0; 1024];
        if stream.shutdown().await.is_ok() {
            while matches!(stream.read(&mut rest).await, Ok(1..)) {}
        }
    }
}

fn over(error: &Error) -> Over {
    match error {
        Error::Capacity(_) => Over::TooLarge,
        Error::Utf8(_) => Over::Broke(CloseCode::Invalid),
        Error::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => Over::Ended,
        Error::Protocol(_) => Over::Broke(CloseCode::Protocol),
        _ => Over::Ended,
    }
}

impl Transport for WebSocket {
    async fn receive(&mut self) -> Inbound {
        if let Some(over) = self.over {
            return Box::pin(self.finish(over)).await;
        }
        let over = match self.socket.next().await {
            Some(Ok(Message::Text(text))) => return Inbound::Frame(text.into()),
            Some(Ok(Message::Binary(bytes))) => return Inbound::Frame(bytes),
            // The layer answers pings itself, at the next read or write.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Inbound::Alive,
            Some(Ok(Message::Close(_))) => Over::Goodbye,
            // Never produced by reading.
            Some(Ok(Message::Frame(_))) | None => Over::Ended,
            Some(Err(error)) => over(&error),
        };
        // Remembered before anything is awaited: a receive that is cancelled goes on where it stood.
        self.over = Some(over);
        // Boxed: what happens once must not lie in every idle connection's future.
        Box::pin(self.finish(over)).await
    }

    async fn feed(&mut self, frame: Bytes) -> Result<(), Gone> {
        debug_assert!(std::str::from_utf8(&frame).is_ok(), "a text frame is UTF-8");
        // A raw frame: dialects write UTF-8, and checking it again for each of a thousand members is waste.
        let frame = Message::Frame(Frame::message(frame, OpCode::Data(Data::Text), true));
        self.socket.feed(frame).await.map_err(|_| Gone)
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.socket.flush().await.map_err(|_| Gone)
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        self.socket.send(Message::Ping(Bytes::new())).await.map_err(|_| Gone)
    }

    async fn close(&mut self, reason: CloseReason) {
        let parting = self.part(CloseCode::from(reason.code()), reason.as_str());
        // A peer that reads nothing would keep us for ever.
        if timeout(GOODBYE, parting).await.is_err() {
            tracing::debug!(close.code = reason.code(), "no answer to our goodbye");
        }
    }
}
