//! What the task of a long-polling session and its HTTP handlers share.
//!
//! Owns who may poll, what waits in either direction, and the stage of an upgrade. Owns no socket for longer
//! than it takes to hand one over. Invariants: what a poll takes, no other carrier carries; packets keep their
//! order across an upgrade; both directions are bounded (see `ROOM` and `offer`); whoever waits is woken when
//! the session ends.

mod change;
mod owner;
mod poll;
mod post;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::packet::{CLOSE, NOOP, Outgoing};
use crate::websocket::WebSocket;

pub(super) use owner::{Found, Handover, Parting, Put, Room};

/// Bytes that may wait for the next poll. A writer waits when there are as many; one packet may exceed it.
const ROOM: usize = 64 * 1024;

/// Which carrier has the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Long polling.
    Polling,
    /// Long polling; a WebSocket has come, and has not asked for anything.
    Claimed,
    /// Long polling; the WebSocket has been tried and works. Polls are kept short.
    Probing,
    /// The WebSocket takes what waits. Polls are over.
    Upgrading,
    /// The WebSocket.
    Upgraded,
    /// None: the session has ended.
    Over,
}

/// How a session ends for polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Whoever polls, now or within the tombstone's time, is told once.
    Said(&'static str),
    /// Only a poll that waits already is told that it is over.
    Broken,
    /// Nobody is told.
    Silent,
}

struct State {
    stage: Stage,
    /// What is left of the last POST.
    inbound: Bytes,
    outbound: VecDeque<Outgoing>,
    outbound_bytes: usize,
    is_polled: bool,
    is_posted: bool,
    /// The waiting poll shall end, so that the client's transport can be paused.
    owes_noop: bool,
    /// The last packet of the last poll.
    last: Option<&'static str>,
    /// When the client was last heard, and how long that counts.
    deadline: Instant,
    /// The WebSocket on its way to the session's task.
    socket: Option<Box<WebSocket>>,
}

/// One long-polling session.
pub(super) struct Mailbox {
    // A std mutex: held for a push or a take, never across an await.
    state: Mutex<State>,
    /// Wakes the session's task. One waiter each, and a permit that stays: no wake-up is lost.
    owner: Notify,
    poll: Notify,
    post: Notify,
    over: CancellationToken,
    silence: Duration,
    /// Packets in one answer to a poll; at least two.
    most_packets: usize,
}

/// A request that cannot be answered as asked: 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadRequest;

impl Mailbox {
    /// An open session whose client may be silent for `silence`, and reads `most_packets` from one answer.
    pub(super) fn new(silence: Duration, most_packets: usize) -> Self {
        let state = State {
            stage: Stage::Polling,
            inbound: Bytes::new(),
            outbound: VecDeque::new(),
            outbound_bytes: 0,
            is_polled: false,
            is_posted: false,
            owes_noop: false,
            last: None,
            deadline: Instant::now() + silence,
            socket: None,
        };
        let (owner, poll, post) = Default::default();
        Self {
            state: Mutex::new(state),
            owner,
            poll,
            post,
            over: CancellationToken::new(),
            silence,
            most_packets,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the session, once, and wakes whoever waits for it.
    pub(super) fn end(&self, farewell: Farewell) {
        self.end_locked(&mut self.state(), farewell);
    }

    fn end_locked(&self, state: &mut State, farewell: Farewell) {
        if state.stage == Stage::Over {
            return;
        }
        // A client that was silent for too long is not there to be told.
        let in_time = Instant::now() < state.deadline;
        state.last = match farewell {
            Farewell::Said(packet) if in_time => Some(packet),
            Farewell::Broken if in_time && state.is_polled => Some(CLOSE),
            Farewell::Said(_) | Farewell::Broken | Farewell::Silent => None,
        };
        if farewell == Farewell::Said(NOOP) {
            // The client has said goodbye: it reads no more than that it was heard.
            state.outbound.clear();
            state.outbound_bytes = 0;
        }
        state.stage = Stage::Over;
        state.inbound = Bytes::new();
        state.socket = None;
        self.over.cancel();
        for waiter in [&self.owner, &self.poll, &self.post] {
            waiter.notify_one();
        }
    }

    /// Waits until the session has ended.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Whether the client was silent for too long; ends the session if so.
    fn has_lapsed(&self, state: &mut State) -> bool {
        let lapsed = Instant::now() >= state.deadline;
        if lapsed && !matches!(state.stage, Stage::Upgrading | Stage::Upgraded) {
            self.end_locked(state, Farewell::Silent);
        }
        lapsed
    }
}
