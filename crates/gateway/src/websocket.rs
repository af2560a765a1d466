//! A WebSocket as the domain's `Transport`.
//!
//! Owns buffers, close codes of the WebSocket layer itself (1002, 1007) and the goodbye. Invariants:
//! memory per connection is bounded whatever the peer does, and `close` returns within its deadline.

use std::time::Duration;

use bytes::Bytes;
use domain::node::{Gone, Inbound, Transport};
use domain::words::CloseReason;
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

/// Allocated at once for every connection, hence small: 128 KiB, the default, would be most of our memory. A short chat
/// frame fits; for a larger one the buffer grows.
const READ_BUFFER: usize = 256;
/// What is fed is written out when there is this much of it, or at a flush.
const WRITE_BUFFER: usize = 16 * 1024;
/// The write buffer is never larger than this: one page of history and the rest of a full buffer fit.
const MAX_WRITE_BUFFER: usize = 1024 * 1024;
/// Frames that a peer may still have sent before it heard our goodbye; more are not read one by one.
const LAST_FRAMES: usize = 64;
/// How long a goodbye may take, from the close frame to the peer's.
const GOODBYE: Duration = Duration::from_secs(2);

/// What comes off a WebSocket, text and binary apart. Frames are slices of the read buffer: copy before keeping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read {
    /// One whole text message; valid UTF-8.
    Text(Bytes),
    /// One whole binary message.
    Binary(Bytes),
    /// A ping or a pong of the layer.
    Alive,
    /// A message above the limit; nothing more can be read.
    TooLarge,
    /// The peer is gone or broke the layer's rules, and has been answered.
    Gone,
}

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
    /// The layer's settings where a message may have `frame` bytes; zero: any number.
    pub(crate) fn config(frame: usize) -> WebSocketConfig {
        let frame = (frame > 0).then_some(frame);
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

    /// The next thing that comes in. Cancel-safe.
    pub(crate) async fn read(&mut self) -> Read {
        if let Some(over) = self.over {
            return Box::pin(self.finish(over)).await;
        }
        let over = match self.socket.next().await {
            Some(Ok(Message::Text(text))) => return Read::Text(text.into()),
            Some(Ok(Message::Binary(bytes))) => return Read::Binary(bytes),
            // The layer answers pings itself, at the next read or write.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Read::Alive,
            Some(Ok(Message::Close(_))) => Over::Goodbye,
            // Never produced by reading.
            Some(Ok(Message::Frame(_))) | None => Over::Ended,
            Some(Err(error)) => over(&error),
        };
        // Remembered before anything is awaited: a read that is cancelled goes on where it stood.
        self.over = Some(over);
        // Boxed: what happens once must not lie in every idle connection's future.
        Box::pin(self.finish(over)).await
    }

    /// Reads no further: the next read says goodbye with this code, and then that the peer is gone.
    pub(crate) fn breach(&mut self, code: CloseCode) {
        self.over.get_or_insert(Over::Broke(code));
    }

    /// Puts a binary frame into the write buffer.
    pub(crate) async fn feed_binary(&mut self, frame: Bytes) -> Result<(), Gone> {
        self.socket.feed(Message::Binary(frame)).await.map_err(|_| Gone)
    }

    /// Says goodbye, and gives the peer a moment to answer.
    pub(crate) async fn part_with(&mut self, code: u16, reason: &'static str) {
        // A peer that reads nothing would keep us for ever.
        if timeout(GOODBYE, self.part(CloseCode::from(code), reason)).await.is_err() {
            tracing::debug!(close.code = code, "no answer to our goodbye");
        }
    }

    /// Ends what cannot be read any more, as far as the layer itself must answer.
    async fn finish(&mut self, over: Over) -> Read {
        match over {
            Over::TooLarge => return Read::TooLarge,
            // Writes our own close frame, which the layer has queued.
            Over::Goodbye => drop(timeout(GOODBYE, self.socket.flush()).await),
            Over::Broke(code) => drop(timeout(GOODBYE, self.part(code, "")).await),
            Over::Ended => {}
        }
        self.over = Some(Over::Ended);
        Read::Gone
    }

    /// Sends a close frame and waits for the peer's, or for its end of the stream.
    async fn part(&mut self, code: CloseCode, reason: &'static str) {
        let frame = CloseFrame { code, reason: reason.into() };
        if self.socket.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        // Ends after the peer's close frame, and at once where the layer reads no further. What a peer has written that
        // does not listen is not worth being taken apart.
        let mut frames = 0;
        while frames < LAST_FRAMES && matches!(self.socket.next().await, Some(Ok(_))) {
            frames += 1;
        }
        // Closing with unread bytes would reset the connection, and the peer might lose our close frame.
        let stream = self.socket.get_mut();
        let mut rest = vec![0; 16 * 1024];
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
        match self.read().await {
            Read::Text(frame) | Read::Binary(frame) => Inbound::Frame(frame),
            Read::Alive => Inbound::Alive,
            Read::TooLarge => Inbound::TooLarge,
            Read::Gone => Inbound::Gone,
        }
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
        self.part_with(reason.code(), reason.as_str()).await;
    }
}
