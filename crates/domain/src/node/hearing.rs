//! What every node must have heard before it is called done: it is told everywhere, and each node says once that it has
//! done so. Owns the counting; how long a node waits for the others is its own business.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::Node;
use crate::ports::PortError;
use crate::words::{MessageId, RoomId, UserId, Whisper};

/// Answers that may be owed. What comes beyond it is not answered, and whoever asked waits as long as for a dead node.
const OWED: usize = 1024;

#[derive(Default)]
struct State {
    // Questions of this node, each with the nodes that have answered; one per removal under way.
    asked: HashMap<MessageId, watch::Sender<u64>>,
    // Questions that this node has yet to answer; at most `OWED`.
    owed: Vec<MessageId>,
}

/// What is asked and answered.
#[derive(Default)]
pub(super) struct Hearings {
    // Held for a look, never across an await.
    state: Mutex<State>,
    called: Notify,
}

impl Hearings {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This node has heard the question and done what it says.
    pub(super) fn owe(&self, question: MessageId) {
        let mut state = self.state();
        if state.owed.len() < OWED {
            state.owed.push(question);
            self.called.notify_one();
        }
    }

    /// Another node, or this one, has heard the question.
    pub(super) fn heard(&self, question: MessageId) {
        if let Some(answers) = self.state().asked.get(&question) {
            answers.send_modify(|answers| *answers += 1);
        }
    }

    fn ask(&self, question: MessageId) -> Asked<'_> {
        let (sender, answers) = watch::channel(0);
        self.state().asked.insert(question, sender);
        Asked { hearings: self, question, answers }
    }
}

/// A question under way, forgotten when nobody waits for it any more.
struct Asked<'a> {
    hearings: &'a Hearings,
    question: MessageId,
    answers: watch::Receiver<u64>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.hearings.state().asked.remove(&self.question);
    }
}

impl Node {
    /// Tells every node that the user is out of the room, and waits until all that live have put them out: `within` at
    /// most, since one of them may be dead and not known to be.
    pub(super) async fn put_out_everywhere(
        &self,
        room: &RoomId,
        user: &UserId,
        within: Duration,
    ) -> Result<(), PortError> {
        let question = MessageId::new();
        let mut asked = self.relay().hearings.ask(question);
        let nodes = self.presence().tally().await?.nodes.max(1);
        let whisper = Whisper::PutOut { room: room.clone(), user: user.clone(), question };
        self.whisper(RoomId::everywhere(), None, whisper).await?;
        if timeout(within, asked.answers.wait_for(|answers| *answers >= nodes)).await.is_err() {
            tracing::debug!(room.id = %room, "not every node has said that it heard a removal");
        }
        Ok(())
    }

    /// Says what this node has heard, for as long as it lives.
    pub(super) async fn say_what_was_heard(&self) {
        let hearings = &self.relay().hearings;
        loop {
            hearings.called.notified().await;
            let owed = std::mem::take(&mut hearings.state().owed);
            for question in owed {
                if let Err(error) = self.whisper(RoomId::everywhere(), None, Whisper::Heard(question)).await {
                    tracing::debug!(%error, "what was heard cannot be said now");
                }
            }
        }
    }
}
