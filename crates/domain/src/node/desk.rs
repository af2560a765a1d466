//! What a client asks about: pages of history, who is online, how many there are; and what those in authority announce.

use std::sync::Arc;

use super::Session;
use super::history::unavailable;
use super::session::Outcome;
use crate::dialect::Answer;
use crate::ports::PortError;
use crate::words::{
    Announcement, Audience, Code, Fault, Namespace, RoomId, RoomRef, Scope, Sign, Timestamp, Whisper,
};

fn settled(answer: Result<Answer, Fault>) -> Outcome {
    answer.map_or_else(Outcome::refused, Outcome::Answer)
}

impl Session {
    /// A page of a room's history.
    pub(super) async fn page(
        self: Arc<Self>,
        room: RoomRef,
        before: Option<u64>,
        limit: Option<usize>,
    ) -> Outcome {
        settled(self.look_back(room, before, limit).await)
    }

    async fn look_back(
        &self,
        room: RoomRef,
        before: Option<u64>,
        limit: Option<usize>,
    ) -> Result<Answer, Fault> {
        self.may_read(&room.id).await?;
        let limit = limit.unwrap_or(self.node.limits().page);
        let (messages, next_before) = self.node.page(&room.id, before, limit).await?;
        Ok(Answer::History { room, messages, next_before })
    }

    /// Whether this client may read back, in the room or not.
    async fn may_read(&self, room: &RoomId) -> Result<(), Fault> {
        if !self.node.policies().of(room.namespace()).durable {
            return Err(Fault::new(Code::NotFound, "this room has no history"));
        }
        // Whatever a token lists, everybody hears the lobby.
        if room.namespace() != Namespace::Lobby && !self.identity.may_enter(room) {
            return Err(Fault::new(Code::Forbidden, "this token is not for this room"));
        }
        let away = |error: PortError| unavailable(&error);
        if self.node.is_exclusive(room)
            && !self.node.belongs(room, &self.identity.user).await.map_err(away)?
        {
            return Err(Fault::new(Code::NotAParticipant, "only participants read here"));
        }
        Ok(())
    }

    /// Who is online.
    pub(super) async fn users(self: Arc<Self>) -> Outcome {
        let found = self.node.attendance().await.map_err(|error| unavailable(&error));
        settled(found.map(Answer::Users))
    }

    /// How many there are. `watched`: the feed that this client watches.
    pub(super) async fn stats(self: Arc<Self>, watched: Option<RoomId>) -> Outcome {
        settled(self.count(watched).await.map_err(|error| unavailable(&error)))
    }

    async fn count(&self, watched: Option<RoomId>) -> Result<Answer, PortError> {
        let presence = self.node.presence();
        let subscribers = match watched {
            Some(feed) => presence.count(&feed).await?,
            None => 0,
        };
        Ok(Answer::Stats { tally: presence.tally().await?, subscribers })
    }

    /// The time.
    pub(super) async fn pong(self: Arc<Self>) -> Outcome {
        Outcome::Answer(Answer::Pong { at: Timestamp::now() })
    }

    /// Announces something. Nobody need be there to hear it.
    pub(super) async fn announce(self: Arc<Self>, scope: Scope, message: Box<str>) -> Outcome {
        settled(self.tell(scope, message).await)
    }

    /// A token for a list of rooms announces in those alone, and in the lobby, where everybody is whatever it lists.
    fn may_reach(&self, scope: &Scope) -> Result<(), Fault> {
        let reaches = match scope {
            Scope::All | Scope::Others | Scope::User(_) => self.identity.rooms.is_none(),
            Scope::Room(room) => room.id.namespace() == Namespace::Lobby || self.identity.may_enter(&room.id),
        };
        if reaches { Ok(()) } else { Err(Fault::new(Code::Forbidden, "this token is not for this audience")) }
    }

    async fn tell(&self, scope: Scope, message: Box<str>) -> Result<Answer, Fault> {
        self.check_text(&message)?;
        self.may_reach(&scope)?;
        let announcement = Announcement { from: self.identity.user.clone(), message };
        let to = match scope {
            Scope::All => Audience::Everyone,
            Scope::Others => Audience::Others,
            Scope::User(user) => Audience::User(user),
            Scope::Room(room) => {
                let whisper = Whisper::Show(Sign::Announcement(announcement));
                let told = self.node.whisper(room.id, None, whisper).await;
                return told.map(|()| Answer::Done).map_err(|error| unavailable(&error));
            }
        };
        let whisper = Whisper::Announce { announcement, to };
        let told = self.node.whisper(RoomId::everywhere(), Some(self.outbound.id()), whisper).await;
        told.map(|()| Answer::Done).map_err(|error| unavailable(&error))
    }
}
