//! The change from polling to a WebSocket, as stock clients make it: probe, let the polls end, take over.
//!
//! Owns the order of those steps. Invariant: nothing is sent twice or overtaken: packets that the client hands over
//! while the polls end wait, and leave on the WebSocket behind the word that it has taken over.

use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
};

use futures::{
    SinkExt, StreamExt,
    future::{BoxFuture, FutureExt},
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    Error, Message, client::IntoClientRequest, http::HeaderValue, http::header::COOKIE,
};

use crate::wire::{
    connection::{HANDSHAKE, WebSocket, websocket},
    polling::Polling,
    road::Road,
};

const PROBE: &str = "2probe";
const PROBED: &str = "3probe";
const TAKE_OVER: &str = "5";

/// A session that polls and tries to change over.
pub(super) struct Upgrading {
    pub(super) polling: Polling,
    step: Step,
}

enum Step {
    /// The polls go on meanwhile.
    Probing(BoxFuture<'static, Option<WebSocket>>),
    /// No new poll begins; the server answers the one that waits.
    Emptying(Option<WebSocket>),
    TakingOver(BoxFuture<'static, Result<WebSocket, Error>>),
    /// There is no WebSocket: the session stays with polling.
    Staying,
}

/// What comes of polling an upgrade.
pub(super) enum Progress {
    Packet(std::io::Result<String>),
    /// The session ended by polling.
    Ended,
    /// The WebSocket has taken over.
    Done(WebSocket),
    /// The WebSocket failed while it took over.
    Failed(Error),
}

impl Upgrading {
    pub(super) fn new(polling: Polling) -> Self {
        let (path, cookies) = polling.upgrade();
        let road = polling.road().clone();
        let probing = async move { timeout(HANDSHAKE, probe(road, path, cookies)).await.ok().flatten() };
        Self { polling, step: Step::Probing(probing.boxed()) }
    }

    pub(super) fn poll_progress(&mut self, context: &mut Context<'_>) -> Poll<Progress> {
        loop {
            match &mut self.step {
                Step::Probing(probing) => match probing.poll_unpin(context) {
                    Poll::Ready(Some(socket)) => {
                        self.polling.hold();
                        self.step = Step::Emptying(Some(socket));
                    }
                    Poll::Ready(None) => self.step = Step::Staying,
                    Poll::Pending => return self.poll_packet(context),
                },
                Step::Staying => return self.poll_packet(context),
                Step::Emptying(socket) if self.polling.is_at_rest() => {
                    let socket = socket.take().expect("taken once, and the step changes with it");
                    let queue = self.polling.take_queue();
                    self.step = Step::TakingOver(take_over(socket, queue).boxed());
                }
                Step::Emptying(_) => match self.poll_packet(context) {
                    // The last request may have ended without a packet.
                    Poll::Pending if self.polling.is_at_rest() => {}
                    polled => return polled,
                },
                Step::TakingOver(taking) => match ready!(taking.poll_unpin(context)) {
                    Ok(socket) if self.polling.wants_nothing() => return Poll::Ready(Progress::Done(socket)),
                    Ok(socket) => {
                        let queue = self.polling.take_queue();
                        self.step = Step::TakingOver(send(socket, queue).boxed());
                    }
                    Err(error) => return Poll::Ready(Progress::Failed(error)),
                },
            }
        }
    }

    fn poll_packet(&mut self, context: &mut Context<'_>) -> Poll<Progress> {
        let packet = ready!(self.polling.poll_packet(context));
        Poll::Ready(packet.map_or(Progress::Ended, Progress::Packet))
    }
}

/// A WebSocket that the server has answered on; none where it did not.
async fn probe(road: Road, path: String, cookies: Option<String>) -> Option<WebSocket> {
    let mut request = format!("ws://{}{path}", road.address).into_client_request().ok()?;
    if let Some(cookies) = cookies {
        request.headers_mut().insert(COOKIE, HeaderValue::from_str(&cookies).ok()?);
    }
    let mut socket = websocket(&road, request).await.ok()?;
    socket.send(Message::text(PROBE)).await.ok()?;
    match socket.next().await?.ok()? {
        Message::Text(text) if text == PROBED => Some(socket),
        _ => None,
    }
}

async fn take_over(mut socket: WebSocket, queue: VecDeque<String>) -> Result<WebSocket, Error> {
    socket.feed(Message::text(TAKE_OVER)).await?;
    send(socket, queue).await
}

async fn send(mut socket: WebSocket, queue: VecDeque<String>) -> Result<WebSocket, Error> {
    for packet in queue {
        socket.feed(Message::text(packet)).await?;
    }
    socket.flush().await?;
    Ok(socket)
}
