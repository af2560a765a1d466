//! The mailbox as a poll uses it: a GET that waits for something to send.

use std::time::Duration;

use tokio::time::Instant;

use super::{BadRequest, Farewell, Mailbox, Stage};
use crate::engineio::packet::{self, NOOP, Outgoing};

/// A poll that waits. Dropped before it is answered, it ends the session: the client has hung up, and what
/// it would be answered with were lost.
pub(in crate::engineio) struct Poll<'a> {
    mailbox: &'a Mailbox,
    is_short: bool,
    is_answered: bool,
}

/// How long a poll waits while a WebSocket is being tried: long enough for the client's word that it takes
/// over, and not so short that a client whose WebSocket hangs would poll in a tight loop.
const SHORT_POLL: Duration = Duration::from_millis(50);

impl Poll<'_> {
    /// Waits for something to answer.
    pub(in crate::engineio) async fn payload(mut self) -> Result<Vec<u8>, BadRequest> {
        let end = Instant::now() + SHORT_POLL;
        loop {
            let is_late = self.is_short && Instant::now() >= end;
            if let Some(answer) = self.mailbox.take(is_late) {
                self.is_answered = true;
                return answer;
            }
            let changed = self.mailbox.poll.notified();
            if self.is_short {
                let _ = tokio::time::timeout_at(end, changed).await;
            } else {
                changed.await;
            }
        }
    }
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        let mut state = self.mailbox.state();
        state.is_polled = false;
        if !self.is_answered {
            self.mailbox.end_locked(&mut state, Farewell::Silent);
        }
    }
}

impl Mailbox {
    /// Begins a poll. A second one beside it ends the session: somebody else has the id, or the client is confused.
    pub(in crate::engineio) fn begin_poll(&self) -> Result<Poll<'_>, BadRequest> {
        let mut state = self.state();
        if self.has_lapsed(&mut state) {
            return Err(BadRequest);
        }
        match state.stage {
            Stage::Upgrading | Stage::Upgraded => Err(BadRequest),
            Stage::Over if state.last.is_none() => Err(BadRequest),
            Stage::Over | Stage::Polling | Stage::Claimed | Stage::Probing => {
                if state.is_polled {
                    self.end_locked(&mut state, Farewell::Broken);
                    return Err(BadRequest);
                }
                state.is_polled = true;
                Ok(Poll { mailbox: self, is_short: state.stage == Stage::Probing, is_answered: false })
            }
        }
    }

    /// What a waiting poll is answered with, if that is known.
    fn take(&self, is_late: bool) -> Option<Result<Vec<u8>, BadRequest>> {
        let mut state = self.state();
        let last = match state.stage {
            Stage::Upgrading | Stage::Upgraded => return Some(Err(BadRequest)),
            Stage::Over if state.last.is_none() => return Some(Err(BadRequest)),
            // The goodbye is an answer of its own: clients act on it before they show what came along.
            Stage::Over if !state.outbound.is_empty() => None,
            Stage::Over => state.last.take(),
            Stage::Polling | Stage::Claimed | Stage::Probing if !state.outbound.is_empty() => None,
            Stage::Polling | Stage::Claimed | Stage::Probing if state.owes_noop || is_late => Some(NOOP),
            Stage::Polling | Stage::Claimed | Stage::Probing => return None,
        };
        state.owes_noop = false;
        let shown = state.outbound.len().min(self.most_packets);
        let packets: Vec<_> = state.outbound.drain(..shown).collect();
        state.outbound_bytes -= packets.iter().map(Outgoing::len).sum::<usize>();
        drop(state);
        self.owner.notify_one();
        Some(Ok(packet::join(packets.iter(), last)))
    }
}
