//! Changes to earlier messages: who may, and what is accepted. Each is a durable event with a number of its own.

use std::sync::Arc;

use super::Session;
use super::history::unavailable;
use super::lookup::{Reaction, Standing};
use super::session::Outcome;
use super::unsealed::Unsealed;
use crate::dialect::Answer;
use crate::ports::{Located, PortError, Published};
use crate::words::{Amend, Change, ClientId, Code, Content, Fault, Kind, MessageId, Role, RoomId};

/// Longest emoji, in bytes: families with skin tones take about 50.
const LONGEST_EMOJI: usize = 64;

impl Session {
    /// Changes an earlier message. `seated`, `marked`: as for [`Session::say`].
    pub(super) async fn amend(self: Arc<Self>, amend: Amend, seated: bool, marked: bool) -> Outcome {
        self.change(amend, seated, marked).await.unwrap_or_else(Outcome::refused)
    }

    async fn change(&self, amend: Amend, seated: bool, marked: bool) -> Result<Outcome, Fault> {
        let Amend { room, target, change, client_id } = amend;
        self.may_publish(&room.id, seated).await?;
        let found = self.node.reading().find(&room.id, target).await.map_err(|error| unavailable(&error))?;
        let Some(found) = found.filter(|found| !found.deleted) else {
            return self.repeated_or_gone(&room.id, client_id.as_ref(), marked).await;
        };
        let (kind, content) = match change {
            Change::Edit(text) => {
                self.may_change(&found)?;
                self.check_text(&text)?;
                (Kind::Edit, Some(Content::text(text)))
            }
            Change::Delete => {
                self.may_change(&found)?;
                (Kind::Delete, None)
            }
            Change::React(emoji) => (Kind::React, Some(Content::text(emoji))),
            Change::Unreact(emoji) => (Kind::Unreact, Some(Content::text(emoji))),
        };
        if matches!(kind, Kind::React | Kind::Unreact) {
            let emoji = content.as_ref().map_or("", |content| &content.text);
            let (user, client_id) = (&self.identity.user, client_id.as_ref());
            match self.standing(&found, target, Reaction { user, emoji, kind, client_id }).await? {
                Standing::News => {}
                Standing::Stands => return Ok(Outcome::Answer(Answer::Done)),
                Standing::Repeated(first) => return Ok(repeated(first, marked)),
            }
        }
        let draft = Unsealed::new(room.id, kind, content).changing(target).named(client_id);
        let outcome = self.send(draft, marked).await?;
        if kind == Kind::Delete {
            self.forget(&found, target).await;
        }
        Ok(outcome)
    }

    /// One's own messages, or anybody's for those who keep order.
    fn may_change(&self, found: &Located) -> Result<(), Fault> {
        let keeps_order = match self.identity.role {
            Role::Moderator | Role::Admin | Role::Service => true,
            Role::User => false,
        };
        if keeps_order || found.author == self.identity.user {
            return Ok(());
        }
        Err(Fault::new(Code::Forbidden, "only the author or a moderator may change this message"))
    }

    /// What the reaction would be: a user puts each emoji on a message once.
    async fn standing(
        &self,
        found: &Located,
        target: MessageId,
        reaction: Reaction<'_>,
    ) -> Result<Standing, Fault> {
        let emoji = reaction.emoji;
        if !(1..=LONGEST_EMOJI).contains(&emoji.len()) || emoji.contains('\0') || emoji.trim().is_empty() {
            return Err(Fault::new(Code::InvalidMessage, format!("emoji has 1 to {LONGEST_EMOJI} bytes")));
        }
        let standing = self.node.reading().reaction(&found.room, target, reaction).await;
        standing.map_err(|error| unavailable(&error))
    }

    /// A message that is not there, or was withdrawn, perhaps by this very command.
    async fn repeated_or_gone(
        &self,
        room: &RoomId,
        client_id: Option<&ClientId>,
        marked: bool,
    ) -> Result<Outcome, Fault> {
        let first = self.node.reading().accepted_as(room, &self.identity.user, client_id).await;
        let first = first.map_err(|error| unavailable(&error))?;
        let gone = || Fault::new(Code::NotFound, "no such message");
        first.map(|first| repeated(first, marked)).ok_or_else(gone)
    }

    /// A withdrawn text is not shown by replays either. The withdrawal stands whatever becomes of this.
    async fn forget(&self, found: &Located, target: MessageId) {
        if let Err(error) = self.erase(&found.room, target).await {
            tracing::warn!(room.id = %found.room, %error, "a withdrawn message stays in the hot log until it is trimmed");
        }
    }

    async fn erase(&self, room: &RoomId, target: MessageId) -> Result<(), PortError> {
        for position in self.node.reading().texts_of(room, target).await? {
            self.node.broker().erase(room, position).await?;
        }
        Ok(())
    }
}

/// The answer to a command that was accepted before.
fn repeated(first: Published, marked: bool) -> Outcome {
    if marked { Outcome::Answer(Answer::Accepted { published: first }) } else { Outcome::Quiet }
}
