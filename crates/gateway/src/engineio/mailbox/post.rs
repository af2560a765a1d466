//! The mailbox as a POST uses it, which brings what the client says.

use bytes::Bytes;
use tokio::time::Instant;

use super::{BadRequest, Farewell, Mailbox, Stage};

/// What became of a POST's payload.
pub(in crate::engineio) enum Offer {
    Taken,
    /// The last one is not used up: wait, then offer this again.
    Full(Bytes),
    /// Nobody hears it any more. The session has ended, and its client learns that elsewhere.
    Over,
    /// Nobody hears it any more: a client has POSTed on while it changed to a WebSocket.
    Lost,
}

/// A POST under way. Dropped before its payload was handed over, it ends the session: what it carried is lost.
pub(in crate::engineio) struct Post<'a> {
    mailbox: &'a Mailbox,
    is_counted: bool,
    is_whole: bool,
}

impl Post<'_> {
    /// Hands the payload over, as soon as there is room for it.
    pub(in crate::engineio) async fn deliver(mut self, mut payload: Bytes) -> Result<(), BadRequest> {
        loop {
            match self.mailbox.offer(payload) {
                Offer::Full(back) => payload = back,
                Offer::Taken | Offer::Over => break,
                Offer::Lost => return Err(BadRequest),
            }
            self.mailbox.post.notified().await;
        }
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        let mut state = self.mailbox.state();
        if self.is_counted {
            state.is_posted = false;
        }
        if !self.is_whole {
            self.mailbox.end_locked(&mut state, Farewell::Broken);
        }
    }
}

impl Mailbox {
    /// Begins a POST. A second one beside it ends the session: their order would be lost.
    pub(in crate::engineio) fn begin_post(&self) -> Result<Post<'_>, BadRequest> {
        let mut state = self.state();
        if self.has_lapsed(&mut state) {
            return Err(BadRequest);
        }
        match state.stage {
            Stage::Upgrading | Stage::Upgraded => Err(BadRequest),
            // The client must read its goodbye first; a refusal would make it hang up before.
            Stage::Over if state.last.is_some() => {
                Ok(Post { mailbox: self, is_counted: false, is_whole: false })
            }
            Stage::Over => Err(BadRequest),
            Stage::Polling | Stage::Claimed | Stage::Probing if state.is_posted => {
                self.end_locked(&mut state, Farewell::Broken);
                Err(BadRequest)
            }
            Stage::Polling | Stage::Claimed | Stage::Probing => {
                state.is_posted = true;
                Ok(Post { mailbox: self, is_counted: true, is_whole: false })
            }
        }
    }

    /// Hands a sound payload to the session's task. At most one waits for it, and one for that.
    fn offer(&self, payload: Bytes) -> Offer {
        let mut state = self.state();
        match state.stage {
            Stage::Over => return Offer::Over,
            Stage::Upgrading | Stage::Upgraded => return Offer::Lost,
            Stage::Polling | Stage::Claimed | Stage::Probing => {}
        }
        if !state.inbound.is_empty() {
            return Offer::Full(payload);
        }
        state.inbound = payload;
        state.deadline = Instant::now() + self.silence;
        self.owner.notify_one();
        Offer::Taken
    }
}
