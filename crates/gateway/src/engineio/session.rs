//! One Engine.IO session, as the one task sees it that owns it.
//!
//! Owns the carrier: a WebSocket, or long polling until a WebSocket takes over. Owns no clock: whoever drives
//! the session pings it. Invariants: packets keep their order whatever carries them, and a session that is
//! dropped has ended for its client too.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::node::{Gone, Transport as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::mailbox::{Farewell, Found, Handover, Mailbox, Parting, Put, Room};
use super::packet::{self, CLOSE, NOOP, Outgoing, PING, Packet};
use crate::websocket::{Read, WebSocket};

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A message, without the `4`; valid UTF-8. It may be a slice of the read buffer: copy before keeping.
    Text(Bytes),
    /// A binary message; likewise.
    Binary(Bytes),
    /// A sign of life without content.
    Alive,
    /// The answer to a ping.
    Pong,
    /// A message above the limit; nothing more can be read.
    TooLarge,
    /// The client is gone or broke the rules, and has been answered.
    Gone,
}

/// One client's session. Small, since an idle one is moved through several futures.
pub struct Session {
    /// The carrier, where it is a WebSocket.
    socket: Option<Box<WebSocket>>,
    /// The carrier, where there is no socket; and what HTTP handlers still know of a session that was upgraded.
    mailbox: Option<Arc<Mailbox>>,
    /// What was POSTed before a WebSocket took over, and was not heard yet.
    rest: Bytes,
}

impl Session {
    fn on_websocket(socket: WebSocket) -> Self {
        Self { socket: Some(Box::new(socket)), mailbox: None, rest: Bytes::new() }
    }

    /// A session on a WebSocket that was told so; `None`: nobody is there.
    pub(super) async fn greeted(socket: WebSocket, hello: Bytes) -> Option<Self> {
        let mut session = Self::on_websocket(socket);
        session.feed(hello).await.ok()?;
        session.flush().await.ok()?;
        Some(session)
    }

    pub(super) fn on_polling(mailbox: Arc<Mailbox>) -> Self {
        Self { socket: None, mailbox: Some(mailbox), rest: Bytes::new() }
    }

    /// The next thing that comes in. Cancel-safe.
    pub async fn receive(&mut self) -> Incoming {
        loop {
            let packet = if let Some(record) = packet::next_record(&mut self.rest) {
                packet::decode_record(&record)
            } else if let Some(socket) = &mut self.socket {
                match socket.read().await {
                    Read::Text(text) => packet::decode(&text),
                    Read::Binary(bytes) => Ok(Packet::Binary(bytes)),
                    Read::Alive => Ok(Packet::Alive),
                    Read::TooLarge => return Incoming::TooLarge,
                    Read::Gone => return Incoming::Gone,
                }
            } else {
                let Some(mailbox) = &self.mailbox else { return Incoming::Gone };
                match mailbox.find() {
                    Found::Record(record) => packet::decode_record(&record),
                    Found::Nothing => {
                        mailbox.changed().await;
                        continue;
                    }
                    Found::Moved(handover) => {
                        self.take(handover);
                        continue;
                    }
                    Found::Over => return Incoming::Gone,
                }
            };
            match packet {
                Ok(Packet::Text(text)) => return Incoming::Text(text),
                Ok(Packet::Binary(bytes)) => return Incoming::Binary(bytes),
                Ok(Packet::Alive) => return Incoming::Alive,
                Ok(Packet::Pong) => return Incoming::Pong,
                Ok(Packet::Close) => self.end(CloseCode::Normal, Farewell::Said(NOOP)),
                Err(packet::Malformed) => self.end(CloseCode::Protocol, Farewell::Broken),
            }
        }
    }

    fn take(&mut self, handover: Handover) {
        self.socket = Some(handover.socket);
        self.rest = handover.rest;
    }

    /// Hears nothing more; the next `receive` answers the client and says that it is gone.
    fn end(&mut self, code: CloseCode, farewell: Farewell) {
        self.rest = Bytes::new();
        match (&mut self.socket, &self.mailbox) {
            (Some(socket), _) => socket.breach(code),
            (None, Some(mailbox)) => mailbox.end(farewell),
            (None, None) => {}
        }
    }

    /// Puts a whole text packet, its digit included, into the write buffer; waits while there is no room.
    /// Cancelled, it has put nothing.
    pub async fn feed(&mut self, packet: Bytes) -> Result<(), Gone> {
        self.put(Outgoing::Text(packet)).await
    }

    /// Puts a binary message into the write buffer, like `feed`.
    pub async fn feed_binary(&mut self, message: Bytes) -> Result<(), Gone> {
        self.put(Outgoing::Binary(message)).await
    }

    async fn put(&mut self, mut outgoing: Outgoing) -> Result<(), Gone> {
        loop {
            if let Some(socket) = &mut self.socket {
                return write(socket, outgoing).await;
            }
            let Some(mailbox) = &self.mailbox else { return Err(Gone) };
            match mailbox.put(outgoing) {
                Put::Done => return Ok(()),
                Put::Full(back) => {
                    outgoing = back;
                    mailbox.changed().await;
                }
                Put::Moved(handover, back) => {
                    outgoing = back;
                    self.take(handover);
                }
                Put::Over => return Err(Gone),
            }
        }
    }

    /// Writes the buffer out. With long polling it returns at once while there is room for more, and else
    /// waits for the client to take what waits.
    pub async fn flush(&mut self) -> Result<(), Gone> {
        loop {
            if let Some(socket) = &mut self.socket {
                return socket.flush().await;
            }
            let Some(mailbox) = &self.mailbox else { return Err(Gone) };
            match mailbox.room() {
                Room::Enough => return Ok(()),
                Room::Full => mailbox.changed().await,
                Room::Moved(handover) => self.take(handover),
                Room::Over => return Err(Gone),
            }
        }
    }

    /// Asks for a sign of life.
    pub async fn ping(&mut self) -> Result<(), Gone> {
        self.feed(Bytes::from_static(PING.as_bytes())).await?;
        self.flush().await
    }

    /// The client broke the rules of a layer above: the next `receive` ends the session and says so.
    pub fn breach(&mut self) {
        self.end(CloseCode::Protocol, Farewell::Said(CLOSE));
    }

    /// Ends the session after what was fed. On a WebSocket the close frame carries code and reason.
    /// Returns within two seconds, whatever the client does.
    pub async fn close(&mut self, code: u16, reason: &'static str) {
        let parted = timeout(GOODBYE, self.part(code, reason)).await;
        if let (Err(_), Some(mailbox)) = (parted, &self.mailbox) {
            // The client does not listen, or its WebSocket hangs: it may still poll for a moment.
            mailbox.end(Farewell::Said(CLOSE));
        }
    }

    async fn part(&mut self, code: u16, reason: &'static str) {
        loop {
            if let Some(socket) = &mut self.socket {
                return socket.part_with(code, reason).await;
            }
            let Some(mailbox) = &self.mailbox else { return };
            match mailbox.part() {
                Parting::Wait => mailbox.changed().await,
                Parting::Moved(handover) => self.take(handover),
                Parting::Done => return,
            }
        }
    }
}

/// Puts something into a WebSocket's buffer.
pub(super) async fn write(socket: &mut WebSocket, outgoing: Outgoing) -> Result<(), Gone> {
    match outgoing {
        Outgoing::Text(packet) => socket.feed(packet).await,
        Outgoing::Binary(message) => socket.feed_binary(message).await,
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.end(Farewell::Broken);
        }
    }
}
