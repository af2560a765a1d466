//! A session as the work of a custom message type sees it.

use std::sync::Arc;

use async_trait::async_trait;

use super::Session;
use super::session::Outcome;
use super::unsealed::Unsealed;
use crate::dialect::Answer;
use crate::ports::Published;
use crate::task::{Client, Reply, Task};
use crate::words::{ClientId, Content, Fault, Identity, Kind, RoomId};

impl Session {
    /// Does the work of a message type that is not built in.
    pub(super) async fn run(self: Arc<Self>, task: Arc<dyn Task>) -> Outcome {
        match task.run(&*self).await {
            Ok(Reply::Done) => Outcome::Answer(Answer::Done),
            Ok(Reply::Accepted(published)) => Outcome::Answer(Answer::Accepted { published }),
            Ok(Reply::Text(text)) => Outcome::Answer(Answer::Custom(text)),
            Err(fault) => Outcome::refused(fault),
        }
    }
}

#[async_trait]
impl Client for Session {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn is_in(&self, room: &RoomId) -> bool {
        self.node.hub().has(room, self.outbound.id())
    }

    async fn say(
        &self,
        room: &RoomId,
        content: Content,
        client_id: Option<ClientId>,
    ) -> Result<Published, Fault> {
        self.may_publish(room, self.is_in(room)).await?;
        self.check_content(&content, false)?;
        self.node.spend(&self.identity).await?;
        let draft = Unsealed::new(room.clone(), Kind::Message, Some(content)).named(client_id);
        self.post(draft).await
    }
}
