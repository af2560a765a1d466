//! The mailbox as the session's task uses it.

use bytes::Bytes;

use super::{Farewell, Mailbox, ROOM, Stage, State};
use crate::engineio::packet::{self, CLOSE, Outgoing};
use crate::websocket::WebSocket;

/// What the session's task goes on with after a change.
pub(in crate::engineio) struct Handover {
    pub(in crate::engineio) socket: Box<WebSocket>,
    /// What the client has said before, and was not heard yet.
    pub(in crate::engineio) rest: Bytes,
}

/// What the session's task finds.
pub(in crate::engineio) enum Found {
    Record(Bytes),
    Moved(Handover),
    Nothing,
    Over,
}

/// What became of something to be sent.
pub(in crate::engineio) enum Put {
    Done,
    Full(Outgoing),
    Moved(Handover, Outgoing),
    Over,
}

/// Whether more may be sent.
pub(in crate::engineio) enum Room {
    Enough,
    Full,
    Moved(Handover),
    Over,
}

/// How far a goodbye is.
pub(in crate::engineio) enum Parting {
    Wait,
    Moved(Handover),
    Done,
}

impl Mailbox {
    /// Waits until something may have changed.
    pub(in crate::engineio) async fn changed(&self) {
        self.owner.notified().await;
    }

    /// The next record, or a socket that takes over once there is none.
    pub(in crate::engineio) fn find(&self) -> Found {
        let mut state = self.state();
        if let Some(record) = packet::next_record(&mut state.inbound) {
            if state.inbound.is_empty() {
                self.post.notify_one();
            }
            return Found::Record(record);
        }
        if let Some(handover) = handover(&mut state) {
            return Found::Moved(handover);
        }
        if state.stage == Stage::Over { Found::Over } else { Found::Nothing }
    }

    /// Puts something in line for the next poll.
    pub(in crate::engineio) fn put(&self, outgoing: Outgoing) -> Put {
        let mut state = self.state();
        if let Some(handover) = handover(&mut state) {
            return Put::Moved(handover, outgoing);
        }
        if state.stage == Stage::Over {
            return Put::Over;
        }
        if state.outbound_bytes >= ROOM {
            self.poll.notify_one();
            return Put::Full(outgoing);
        }
        state.outbound_bytes += outgoing.len();
        state.outbound.push_back(outgoing);
        Put::Done
    }

    /// Shows what waits to the poll that waits.
    pub(in crate::engineio) fn room(&self) -> Room {
        let mut state = self.state();
        if let Some(handover) = handover(&mut state) {
            return Room::Moved(handover);
        }
        if state.stage == Stage::Over {
            return Room::Over;
        }
        if !state.outbound.is_empty() {
            self.poll.notify_one();
        }
        if state.outbound_bytes >= ROOM { Room::Full } else { Room::Enough }
    }

    /// Ends the session after what waits, and says whether the client has taken that.
    pub(in crate::engineio) fn part(&self) -> Parting {
        let mut state = self.state();
        if let Some(handover) = handover(&mut state) {
            return Parting::Moved(handover);
        }
        match state.stage {
            // A client that changes to a WebSocket does not poll meanwhile: what waits would not reach it.
            Stage::Claimed | Stage::Probing | Stage::Upgrading => return Parting::Wait,
            Stage::Polling => {
                self.end_locked(&mut state, Farewell::Said(CLOSE));
            }
            Stage::Upgraded | Stage::Over => {}
        }
        if state.last.is_some() { Parting::Wait } else { Parting::Done }
    }
}

/// Takes the socket that waits for the session's task, and what came in before it.
fn handover(state: &mut State) -> Option<Handover> {
    let socket = state.socket.take()?;
    Some(Handover { socket, rest: std::mem::take(&mut state.inbound) })
}
