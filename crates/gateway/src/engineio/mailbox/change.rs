//! The mailbox as a WebSocket uses it that wants to take the session over.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::{BadRequest, Farewell, Mailbox, Stage};
use crate::engineio::packet::Outgoing;
use crate::websocket::WebSocket;

impl Mailbox {
    /// Reserves the session for one WebSocket; a second one is turned away.
    pub(in crate::engineio) fn claim(&self) -> bool {
        let mut state = self.state();
        let free = state.stage == Stage::Polling;
        if free {
            state.stage = Stage::Claimed;
        }
        free
    }

    /// The WebSocket did not come through: long polling goes on.
    pub(in crate::engineio) fn unclaim(&self) {
        let mut state = self.state();
        match state.stage {
            Stage::Claimed | Stage::Probing => {
                state.stage = Stage::Polling;
                state.owes_noop = false;
                // It may wait to part.
                self.owner.notify_one();
            }
            // Nobody will carry what waits.
            Stage::Upgrading => self.end_locked(&mut state, Farewell::Silent),
            Stage::Polling | Stage::Upgraded | Stage::Over => {}
        }
    }

    /// The WebSocket works: a poll that waits is ended, and further ones are short.
    pub(in crate::engineio) fn probe(&self) {
        let mut state = self.state();
        if state.stage == Stage::Claimed {
            state.stage = Stage::Probing;
            state.owes_noop = state.is_polled;
            self.poll.notify_one();
        }
    }

    /// The client wants the WebSocket to take over. Fails where that was not tried, or the session has ended.
    pub(in crate::engineio) fn upgrade(&self) -> Result<(), BadRequest> {
        let mut state = self.state();
        if state.stage != Stage::Probing {
            return Err(BadRequest);
        }
        state.stage = Stage::Upgrading;
        state.deadline = Instant::now() + self.silence;
        self.poll.notify_one();
        self.post.notify_one();
        Ok(())
    }

    /// What the WebSocket must carry before anything else; hands it over where there is nothing left.
    pub(in crate::engineio) fn hand_over(&self, socket: &mut Option<Box<WebSocket>>) -> VecDeque<Outgoing> {
        let mut state = self.state();
        let packets = std::mem::take(&mut state.outbound);
        state.outbound_bytes = 0;
        if packets.is_empty() && state.stage == Stage::Upgrading {
            state.stage = Stage::Upgraded;
            state.socket = socket.take();
        }
        drop(state);
        self.owner.notify_one();
        packets
    }
}
