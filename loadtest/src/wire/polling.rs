//! Engine.IO over HTTP: one request that waits for packets, and posts beside it.
//!
//! Owns the session, its cookies, and both requests; what the packets say is the dialect's. It has no task of its own: it
//! moves while somebody waits for its packets. Invariant: at most one poll and one post are under way, so packets keep
//! their order in both directions. Deadlines are its owner's: silence ends a poll, and a `flush` that takes too long
//! ends a post that is not taken.

use std::{
    collections::VecDeque,
    io::{Error, Result},
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::future::{BoxFuture, FutureExt};
use serde::Deserialize;

use crate::wire::{
    http::{Answer, Line},
    road::Road,
};

/// Between two packets of one body.
const SEPARATOR: char = '\u{1e}';
/// The packet that ends a session.
const CLOSE: &str = "1";
/// What a server takes in one body, where it does not say.
const USUAL_PAYLOAD: usize = 64 * 1024;

/// What opens a session.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening {
    sid: String,
    #[serde(default)]
    upgrades: Vec<String>,
    max_payload: Option<usize>,
}

/// A session, and where its two requests are.
pub(super) struct Polling {
    road: Arc<Road>,
    /// Path and query, up to what this session adds.
    path: String,
    sid: String,
    /// `name=value`, as balancers set them.
    cookies: Vec<String>,
    can_upgrade: bool,
    max_payload: usize,
    poll: Asking,
    post: Posting,
    received: VecDeque<String>,
    /// Bounded by `wants_flush`: above one body's worth, the client waits for the server.
    queue: VecDeque<String>,
    queued_bytes: usize,
    /// No new request begins: the session is about to change over.
    held: bool,
    over: bool,
}

enum Asking {
    Idle(Option<Line>),
    UnderWay(BoxFuture<'static, Result<Answer>>),
}

enum Posting {
    Idle(Option<Line>),
    /// Until this is done, the packets are not with the system.
    Writing(BoxFuture<'static, Result<Line>>),
    Waiting(BoxFuture<'static, Result<Answer>>),
}

impl Polling {
    /// Opens a session at `path`; `line` is its first connection.
    pub(super) async fn open(road: Road, path: String, line: Line) -> Result<Self> {
        let road = Arc::new(road);
        let mut polling = Self {
            road,
            path,
            sid: String::new(),
            cookies: Vec::new(),
            can_upgrade: false,
            max_payload: USUAL_PAYLOAD,
            poll: Asking::Idle(None),
            post: Posting::Idle(None),
            received: VecDeque::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            held: false,
            over: false,
        };
        let request = polling.request("GET", "");
        let answer = Line::write(Some(line), &polling.road, request.as_bytes()).await?.answer().await?;
        polling.poll = Asking::Idle(polling.take(answer)?);
        let opening = polling.received.front().and_then(|packet| packet.strip_prefix('0'));
        let opening = opening.ok_or_else(|| Error::other("the first packet opens nothing"))?;
        let Opening { sid, upgrades, max_payload } = serde_json::from_str(opening)?;
        polling.can_upgrade = upgrades.iter().any(|upgrade| upgrade == "websocket");
        polling.max_payload = max_payload.filter(|most| *most > 0).unwrap_or(USUAL_PAYLOAD);
        polling.sid = sid;
        Ok(polling)
    }

    /// Whether the server offers a WebSocket for this session.
    pub(super) fn can_upgrade(&self) -> bool {
        self.can_upgrade
    }

    /// How a WebSocket for this session is asked for: path with query, and the cookies.
    pub(super) fn upgrade(&self) -> (String, Option<String>) {
        let path = format!("{}&transport=websocket&sid={}", self.path, self.sid);
        (path, (!self.cookies.is_empty()).then(|| self.cookies.join("; ")))
    }

    pub(super) fn road(&self) -> &Road {
        &self.road
    }

    /// Begins no request any more; those under way come to their end.
    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    /// Nothing is under way, and everything that came is taken.
    pub(super) fn is_at_rest(&self) -> bool {
        matches!((&self.poll, &self.post), (Asking::Idle(_), Posting::Idle(_))) && self.received.is_empty()
    }

    /// Nothing waits to be sent.
    pub(super) fn wants_nothing(&self) -> bool {
        self.queue.is_empty()
    }

    /// What waits to be sent.
    pub(super) fn take_queue(&mut self) -> VecDeque<String> {
        self.queued_bytes = 0;
        std::mem::take(&mut self.queue)
    }

    pub(super) fn push(&mut self, packet: String) {
        self.queued_bytes += packet.len() + 1;
        self.queue.push_back(packet);
    }

    /// Ends the session once this is flushed.
    pub(super) fn close(&mut self) {
        self.push(CLOSE.into());
    }

    /// As much waits as one body takes.
    pub(super) fn wants_flush(&self) -> bool {
        self.queued_bytes > self.max_payload
    }

    /// The next packet; none after the last one. Pending without end while the session is held and at rest.
    pub(super) fn poll_packet(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<String>>> {
        loop {
            if let Some(packet) = self.received.pop_front() {
                self.over |= packet == CLOSE;
                return Poll::Ready(Some(Ok(packet)));
            }
            if self.over {
                return Poll::Ready(None);
            }
            if let Poll::Ready(Err(error)) = self.poll_post(context) {
                return Poll::Ready(Some(Err(error)));
            }
            match &mut self.poll {
                Asking::Idle(_) if self.held => return Poll::Pending,
                Asking::Idle(line) => {
                    let kept = line.take();
                    self.poll = Asking::UnderWay(ask(Arc::clone(&self.road), kept, self.request("GET", "")));
                }
                Asking::UnderWay(asking) => {
                    let taken = ready!(asking.poll_unpin(context)).and_then(|answer| self.take(answer));
                    match taken {
                        Ok(line) => self.poll = Asking::Idle(line),
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            }
        }
    }

    /// Ready once everything that waits is with the system.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            ready!(self.poll_post(context))?;
            if self.queue.is_empty() || self.held {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Moves the post on. Ready while nothing is being written and, where packets wait, no answer is awaited.
    fn poll_post(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            match &mut self.post {
                Posting::Idle(_) if self.queue.is_empty() || self.held => return Poll::Ready(Ok(())),
                Posting::Idle(line) => {
                    let kept = line.take();
                    let body = self.body();
                    let request = self.request("POST", &body);
                    self.post = Posting::Writing(write(Arc::clone(&self.road), kept, request));
                }
                Posting::Writing(writing) => {
                    let line = ready!(writing.poll_unpin(context))?;
                    self.post = Posting::Waiting(line.answer().boxed());
                }
                Posting::Waiting(waiting) => match waiting.poll_unpin(context) {
                    Poll::Pending if self.queue.is_empty() => return Poll::Ready(Ok(())),
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(answer) => self.post = Posting::Idle(self.accept(answer?)?),
                },
            }
        }
    }

    /// As many of the waiting packets as the server takes at once.
    fn body(&mut self) -> String {
        let mut body = self.queue.pop_front().unwrap_or_default();
        while let Some(next) = self.queue.front()
            && body.len() + 1 + next.len() <= self.max_payload
        {
            body.push(SEPARATOR);
            body.push_str(next);
            self.queue.pop_front();
        }
        self.queued_bytes = self.queue.iter().map(|packet| packet.len() + 1).sum();
        body
    }

    fn request(&self, method: &str, body: &str) -> String {
        let Self { path, sid, road, .. } = self;
        let mut request = format!("{method} {path}&transport=polling");
        if !sid.is_empty() {
            request += &format!("&sid={sid}");
        }
        request += &format!(" HTTP/1.1\r\nhost: {}\r\naccept: */*\r\n", road.address);
        if !self.cookies.is_empty() {
            request += &format!("cookie: {}\r\n", self.cookies.join("; "));
        }
        if !body.is_empty() {
            request +=
                &format!("content-type: text/plain;charset=UTF-8\r\ncontent-length: {}\r\n", body.len());
        }
        request + "\r\n" + body
    }

    /// Takes the packets of a poll; the line, where it is kept.
    fn take(&mut self, answer: Answer) -> Result<Option<Line>> {
        let packets = answer.body.split(SEPARATOR).filter(|packet| !packet.is_empty()).map(str::to_owned);
        let packets: Vec<String> = packets.collect();
        let line = self.accept(answer)?;
        self.received.extend(packets);
        Ok(line)
    }

    fn accept(&mut self, answer: Answer) -> Result<Option<Line>> {
        if answer.status != 200 {
            return Err(Error::other(format!("polling was answered {}: {}", answer.status, answer.body)));
        }
        for cookie in answer.cookies {
            let name = |cookie: &str| cookie.split('=').next().map(str::to_owned);
            self.cookies.retain(|kept| name(kept) != name(&cookie));
            self.cookies.push(cookie);
        }
        Ok(answer.line)
    }
}

fn ask(road: Arc<Road>, kept: Option<Line>, request: String) -> BoxFuture<'static, Result<Answer>> {
    async move { Line::write(kept, &road, request.as_bytes()).await?.answer().await }.boxed()
}

fn write(road: Arc<Road>, kept: Option<Line>, request: String) -> BoxFuture<'static, Result<Line>> {
    async move { Line::write(kept, &road, request.as_bytes()).await }.boxed()
}
