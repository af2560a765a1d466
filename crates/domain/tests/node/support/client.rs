//! One client at the other end of a scripted transport: it reads, or does not, or goes away.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::node::{Gone, Inbound, Resume, Transport};
use domain::{CloseReason, Position};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::dialect::{shown, stands};
use super::script::PATIENCE;

enum Said {
    Words(String),
    Pong,
    Nothing,
}

/// The node's end of the wire.
pub(crate) struct Wire {
    inbound: mpsc::Receiver<Said>,
    // A client that is served without reading waits for its own frames here; more than any test writes.
    outbound: mpsc::Sender<String>,
    buffer: Vec<Bytes>,
    stalled: watch::Receiver<bool>,
    // The client reads pings among its frames, and answers them when the test says so.
    by_hand: watch::Receiver<bool>,
    pings: Arc<watch::Sender<usize>>,
    owes_pong: bool,
}

impl Transport for Wire {
    async fn receive(&mut self) -> Inbound {
        if std::mem::take(&mut self.owes_pong) {
            return Inbound::Answered;
        }
        match self.inbound.recv().await {
            Some(Said::Words(frame)) => Inbound::Frame(frame.into()),
            Some(Said::Pong) => Inbound::Answered,
            Some(Said::Nothing) => Inbound::Alive,
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
        if *self.by_hand.borrow() {
            self.buffer.push(Bytes::from_static(PING.as_bytes()));
            return Ok(());
        }
        self.owes_pong = !*self.stalled.borrow();
        Ok(())
    }

    async fn close(&mut self, _: CloseReason) {}
}

/// How a client that answers pings by hand reads one.
pub(crate) const PING: &str = "ping";

/// The client's end of the wire.
pub(crate) struct Client {
    commands: Option<mpsc::Sender<Said>>,
    frames: mpsc::Receiver<String>,
    stall: watch::Sender<bool>,
    by_hand: watch::Sender<bool>,
    secret: Option<Box<str>>,
    place: Option<Box<str>>,
    pings: Arc<watch::Sender<usize>>,
    life: JoinHandle<CloseReason>,
}

impl Client {
    /// A client, once `serve` has begun to serve its wire.
    pub(crate) fn new(serve: impl FnOnce(Wire) -> JoinHandle<CloseReason>) -> Self {
        let (commands, inbound) = mpsc::channel(1024);
        let (outbound, frames) = mpsc::channel(16 * 1024);
        let (stall, stalled) = watch::channel(false);
        let (by_hand, answers) = watch::channel(false);
        let pings = Arc::new(watch::Sender::new(0));
        let (buffer, owes_pong) = (Vec::new(), false);
        let wire =
            Wire { inbound, outbound, buffer, stalled, by_hand: answers, pings: pings.clone(), owes_pong };
        let (commands, life) = (Some(commands), serve(wire));
        Self { commands, frames, stall, by_hand, secret: None, place: None, pings, life }
    }

    /// Sends a command.
    pub(crate) fn send(&self, command: &str) {
        let commands = self.commands.as_ref().expect("the client is still there");
        commands.try_send(Said::Words(command.to_owned())).expect("the node reads commands");
    }

    /// From now on it reads pings among its frames, and answers with [`Self::pong`] alone.
    pub(crate) fn answers_by_hand(&self) {
        self.by_hand.send_replace(true);
    }

    /// Answers a ping.
    pub(crate) fn pong(&self) {
        let commands = self.commands.as_ref().expect("the client is still there");
        commands.try_send(Said::Pong).map_err(|_| ()).expect("the node reads pongs");
    }

    /// Gives a sign of life that answers nothing.
    pub(crate) fn sign_of_life(&self) {
        let commands = self.commands.as_ref().expect("the client is still there");
        commands.try_send(Said::Nothing).map_err(|_| ()).expect("the node reads signs of life");
    }

    /// What the client comes back with: the secret of its welcome, and where the last frame that it has read put it.
    pub(crate) fn past(&self) -> Option<Resume> {
        Some(Resume { recovery: self.secret.clone()?, place: self.place.clone() })
    }

    fn note(&mut self, frame: &str) {
        if let Some(welcome) = frame.strip_prefix("welcome ") {
            self.secret = welcome.split(' ').nth(1).map(Into::into);
        }
        if let Some(place) = stands(frame) {
            self.place = Some(place.into());
        }
    }

    /// The next frame.
    pub(crate) async fn hear(&mut self) -> String {
        match timeout(PATIENCE, self.frames.recv()).await.expect("nothing was heard") {
            Some(frame) => {
                self.note(&frame);
                frame
            }
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
            self.note(&frame);
            frames.push(frame);
        }
        frames
    }

    /// Reads up to `count` frames of those that are there; pings are answered and left out.
    pub(crate) fn read(&mut self, count: usize) -> Vec<String> {
        let mut frames = self.read_last(count);
        let pings = frames.iter().filter(|frame| *frame == PING).count();
        (0..pings).for_each(|_| self.pong());
        frames.retain(|frame| frame != PING);
        frames
    }

    /// The same when nothing can be answered any more.
    pub(crate) fn read_last(&mut self, count: usize) -> Vec<String> {
        let mut frames = Vec::new();
        for _ in 0..count {
            let Ok(frame) = self.frames.try_recv() else { break };
            self.note(&frame);
            frames.push(frame);
        }
        frames
    }

    /// Hears frames up to one that begins like this.
    pub(crate) async fn hear_until(&mut self, begins: &str) -> Vec<String> {
        let mut frames = Vec::new();
        while !frames.last().is_some_and(|frame: &String| frame.starts_with(begins)) {
            frames.push(self.hear().await);
        }
        frames
    }

    /// Stops reading.
    pub(crate) fn stall(&self) {
        self.stall.send_replace(true);
    }

    /// Reads again.
    pub(crate) fn read_again(&self) {
        self.stall.send_replace(false);
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
