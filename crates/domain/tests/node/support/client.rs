//! One client at the other end of a scripted transport: it reads, or does not, or goes away.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::node::{Gone, Inbound, Transport};
use domain::{CloseReason, Position};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::dialect::shown;
use super::script::PATIENCE;

/// The node's end of the wire.
pub(crate) struct Wire {
    inbound: mpsc::Receiver<String>,
    // A client that is served without reading waits for its own frames here; more than any test writes.
    outbound: mpsc::Sender<String>,
    buffer: Vec<Bytes>,
    stalled: watch::Receiver<bool>,
    pings: Arc<watch::Sender<usize>>,
    owes_pong: bool,
}

impl Transport for Wire {
    async fn receive(&mut self) -> Inbound {
        if std::mem::take(&mut self.owes_pong) {
            return Inbound::Alive;
        }
        match self.inbound.recv().await {
            Some(frame) => Inbound::Frame(frame.into()),
            None => Inbound::Gone,
        }
    }

    async fn feed(&mut self, frame: Bytes) -> Result<(), Gone> {
        self.buffer.push(frame);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.stalled.wait_for(|stalled| !*stalled).await.map_err(|_| Gone)?;
        for frame in self.buffer.drain(..) {
            let frame = String::from_utf8(frame.to_vec()).unwrap();
            self.outbound.try_send(frame).map_err(|_| Gone)?;
        }
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        self.pings.send_modify(|pings| *pings += 1);
        self.owes_pong = !*self.stalled.borrow();
        Ok(())
    }

    async fn close(&mut self, _: CloseReason) {}
}

/// The client's end of the wire.
pub(crate) struct Client {
    commands: Option<mpsc::Sender<String>>,
    frames: mpsc::Receiver<String>,
    stall: watch::Sender<bool>,
    pings: Arc<watch::Sender<usize>>,
    life: JoinHandle<CloseReason>,
}

impl Client {
    /// A client, once `serve` has begun to serve its wire.
    pub(crate) fn new(serve: impl FnOnce(Wire) -> JoinHandle<CloseReason>) -> Self {
        let (commands, inbound) = mpsc::channel(1024);
        let (outbound, frames) = mpsc::channel(16 * 1024);
        let (stall, stalled) = watch::channel(false);
        let pings = Arc::new(watch::Sender::new(0));
        let wire =
            Wire { inbound, outbound, buffer: Vec::new(), stalled, pings: pings.clone(), owes_pong: false };
        Self { commands: Some(commands), frames, stall, pings, life: serve(wire) }
    }

    /// Sends a command.
    pub(crate) fn send(&self, command: &str) {
        let commands = self.commands.as_ref().expect("the client is still there");
        commands.try_send(command.to_owned()).expect("the node reads commands");
    }

    /// The next frame.
    pub(crate) async fn hear(&mut self) -> String {
        match timeout(PATIENCE, self.frames.recv()).await.expect("nothing was heard") {
            Some(frame) => frame,
            None => panic!("the connection is over: {:?}", (&mut self.life).await),
        }
    }

    /// Sends a command and hears the next frame.
    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.send(command);
        self.hear().await
    }

    /// Hears frames until it was shown the message or resync at `last`.
    pub(crate) async fn hear_through(&mut self, last: Position) -> Vec<String> {
        let mut frames = Vec::new();
        while shown(&frames).last() != Some(&last) {
            frames.push(self.hear().await);
        }
        frames
    }

    /// What has been heard by the time when nothing moves any more.
    pub(crate) async fn rest(&mut self) -> Vec<String> {
        super::calm().await;
        self.heard()
    }

    /// What has been heard and not been looked at yet.
    pub(crate) fn heard(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        while let Ok(frame) = self.frames.try_recv() {
            frames.push(frame);
        }
        frames
    }

    /// Stops reading.
    pub(crate) fn stall(&self) {
        self.stall.send_replace(true);
    }

    /// Waits until this many more pings have come.
    pub(crate) async fn is_pinged(&self, times: usize) {
        let mut pings = self.pings.subscribe();
        let aim = *pings.borrow() + times;
        timeout(PATIENCE, pings.wait_for(|pings| *pings >= aim)).await.expect("no ping came").unwrap();
    }

    /// Goes away without a word.
    pub(crate) fn vanish(&mut self) {
        self.commands = None;
    }

    /// Waits for the connection's end.
    pub(crate) async fn end(self) -> CloseReason {
        self.end_within(PATIENCE).await
    }

    /// Waits for the connection's end, which must come within this time.
    pub(crate) async fn end_within(self, within: Duration) -> CloseReason {
        timeout(within, self.life).await.expect("the connection did not end").unwrap()
    }
}
