//! From long polling to a WebSocket: the probe, and the moment of change.
//!
//! Owns the WebSocket until the session's task takes it. Invariants: one WebSocket at a time tries; what was
//! fed before the change is written to the WebSocket first; a WebSocket that does not come through leaves
//! long polling as it was.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::node::{Gone, Transport as _};
use tokio::time::timeout;

use super::mailbox::Mailbox;
use super::packet::{PROBE, UPGRADE};
use super::session::write;
use crate::websocket::{Read, WebSocket};

/// A session reserved for one WebSocket, until that gives up.
pub(super) struct Claim(Arc<Mailbox>);

impl Claim {
    /// Reserves the session, unless another WebSocket has it.
    pub(super) fn new(mailbox: &Arc<Mailbox>) -> Option<Self> {
        mailbox.claim().then(|| Self(mailbox.clone()))
    }

    /// Runs the probe, hands the socket over and returns when the session has ended: the socket's permit is
    /// held for as long. A client has `limit` to make up its mind.
    pub(super) async fn run(self, socket: WebSocket, limit: Duration) {
        let mut socket = Some(Box::new(socket));
        let done = tokio::select! {
            done = timeout(limit, self.take_over(&mut socket)) => done.unwrap_or(Err(Gone)),
            () = self.0.over() => Err(Gone),
        };
        if done.is_ok() {
            return self.0.over().await;
        }
        // Given up first: parting takes a moment, and another WebSocket may try meanwhile.
        drop(self);
        if let Some(mut socket) = socket {
            socket.part_with(1000, "").await;
        }
    }

    async fn take_over(&self, slot: &mut Option<Box<WebSocket>>) -> Result<(), Gone> {
        self.probe(slot.as_mut().ok_or(Gone)?).await?;
        loop {
            let packets = self.0.hand_over(slot);
            let Some(socket) = slot.as_mut() else { return Ok(()) };
            if packets.is_empty() {
                return Err(Gone);
            }
            for packet in packets {
                write(socket, packet).await?;
            }
            socket.flush().await?;
        }
    }

    /// Answers the probe and waits for the client's word.
    async fn probe(&self, socket: &mut WebSocket) -> Result<(), Gone> {
        loop {
            match socket.read().await {
                Read::Text(text) if text == PROBE.0 => {
                    socket.feed(Bytes::from_static(PROBE.1.as_bytes())).await?;
                    socket.flush().await?;
                    self.0.probe();
                }
                Read::Text(text) if text == UPGRADE => return self.0.upgrade().map_err(|_| Gone),
                Read::Alive => {}
                Read::Text(_) | Read::Binary(_) | Read::TooLarge | Read::Gone => return Err(Gone),
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.unclaim();
    }
}
