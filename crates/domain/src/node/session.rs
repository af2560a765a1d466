//! What one client may do, and what comes of it. A "no" is a [`Fault`] to this client alone.
//!
//! Runs inside the connection's task; which rooms are joined is the connection's knowledge, not the session's.

use std::sync::Arc;

use super::history::unavailable;
use super::replay::Catch;
use super::{Node, Outbound};
use crate::dialect::Answer;
use crate::words::{
    Code, Draft, Event, Fault, Identity, Join, Kind, MessageId, Position, RoomId, RoomRef, Say, Timestamp,
};

/// Who acts, and through what.
pub(super) struct Session {
    pub(super) node: Arc<Node>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) identity: Identity,
    /// Whether the client's dialect has acknowledgements.
    pub(super) acknowledges: bool,
}

/// What a command leads to.
pub(super) enum Outcome {
    /// Nothing more: the event itself will come back through the room.
    Quiet,
    /// Say this.
    Answer(Answer),
    /// Show this event to this client alone.
    Show(Event),
    /// The seat is given back.
    Left(RoomRef),
    /// The join failed: nothing is held back for it any more.
    NotJoined(RoomId, Fault),
    /// Some of what was missed; ask again with [`Session::catch_up`] until it is done.
    Caught(Catch, Vec<Event>),
    /// The present head is not known yet; ask again with [`Session::extend`].
    Extend(Catch),
    /// Caught up to the head; for a join that does not resume, with the page to show.
    CaughtUp(Catch, Vec<Event>),
    /// The client's place is lost.
    Lost,
}

impl Session {
    /// Whether policy and token let this client join `room` by command.
    pub(super) fn may_join(&self, room: &RoomId) -> Result<(), Fault> {
        let policy = self.node.policies().of(room.namespace());
        if !policy.joinable {
            return Err(Fault::new(Code::InvalidRoom, "this room is not joined by command"));
        }
        if !self.identity.may_enter(room) {
            return Err(Fault::new(Code::Forbidden, "this token may not join this room"));
        }
        if policy.participants_only {
            return Err(Fault::new(Code::NotAParticipant, "only participants may join this room"));
        }
        Ok(())
    }

    /// Takes the seat and begins to catch up. The caller holds the room's live flow back meanwhile.
    pub(super) async fn join(self: Arc<Self>, join: Join, seen: Option<Position>) -> Outcome {
        let room = join.room.id.clone();
        let seated = self.node.seat(&room, &self.outbound, &self.identity.author()).await;
        let planned = match seated {
            Ok(members) => self.plan(join, members, seen).await,
            Err(error) => Err(error),
        };
        match planned {
            Ok(catch) => self.catch_up(catch).await,
            Err(error) => {
                if seen.is_none() {
                    self.node.unseat(&room, self.outbound.id(), &self.identity.user).await;
                }
                Outcome::NotJoined(room, unavailable(&error))
            }
        }
    }

    /// Leaves a room; leaving what was not joined is fine.
    pub(super) async fn leave(self: Arc<Self>, room: RoomRef) -> Outcome {
        self.node.unseat(&room.id, self.outbound.id(), &self.identity.user).await;
        Outcome::Left(room)
    }

    /// Publishes a message. It is heard when it comes back through the room, like everyone else's (invariant 5).
    pub(super) async fn say(self: Arc<Self>, say: Say) -> Outcome {
        self.publish(say).await.unwrap_or_else(|fault| Outcome::Answer(Answer::Refused(fault)))
    }

    async fn publish(&self, say: Say) -> Result<Outcome, Fault> {
        let room = say.room.id.clone();
        self.check(&room, &say)?;
        let draft = self.draft(say);
        let published = self.node.broker().publish(draft).await.map_err(|error| unavailable(&error))?;
        if self.acknowledges {
            return Ok(Outcome::Answer(Answer::Accepted { published }));
        }
        if !published.repeated {
            return Ok(Outcome::Quiet);
        }
        let first = self.node.reading().at(&room, published.position).await;
        let first = first.map_err(|error| unavailable(&error))?;
        Ok(first.map_or(Outcome::Quiet, Outcome::Show))
    }

    fn draft(&self, say: Say) -> Draft {
        let (id, room) = (MessageId::new(), say.room.id);
        Draft {
            body: self.node.opener().sealer.seal(&room, id, &say.content.to_bytes()),
            room,
            id,
            kind: Kind::Message,
            target: None,
            author: self.identity.author(),
            client_id: say.client_id,
            sent_at: Timestamp::now(),
            origin: Some(self.outbound.id()),
        }
    }

    fn check(&self, room: &RoomId, say: &Say) -> Result<(), Fault> {
        if self.node.policies().of(room.namespace()).services_publish {
            return Err(Fault::new(Code::Forbidden, "only services publish here"));
        }
        let (text, limit) = (say.content.text.trim(), self.node.limits().text);
        if text.is_empty() && say.content.attachments.is_empty() {
            return Err(Fault::new(Code::InvalidMessage, "the message is empty"));
        }
        // Postgres refuses NUL in text; a message that cannot be kept must not be accepted.
        if say.content.text.contains('\0') {
            return Err(Fault::new(Code::InvalidMessage, "the message contains NUL"));
        }
        if limit > 0 && text.len() > limit && text.chars().count() > limit {
            return Err(Fault::new(Code::TooLarge, format!("the message is longer than {limit} characters")));
        }
        Ok(())
    }
}
