//! What one client may do, and what comes of it. A "no" is a [`Fault`] to this client alone.
//!
//! Runs inside the connection's task; which rooms are joined is the connection's knowledge, not the session's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::core::Door;
use super::history::unavailable;
use super::hub::Member;
use super::opening::{Entered, Itinerary};
use super::replay::Catch;
use super::seats::Places;
use super::unsealed::Unsealed;
use super::{Node, Outbound};
use crate::dialect::Answer;
use crate::ports::{Attendance, PortError, Published};
use crate::security::Incident;
use crate::words::{
    CloseReason, Code, Content, Event, Fault, Identity, Join, Kind, MessageType, Namespace, Position, Role,
    RoomId, RoomRef, Say,
};

/// Uploads that one message may show.
const UPLOADS: usize = 32;
/// When a join that could not be kept is worth trying again.
const RETRY: Duration = Duration::from_secs(1);

/// Who acts, and through what.
pub(super) struct Session {
    pub(super) node: Arc<Node>,
    pub(super) door: Arc<Door>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) identity: Identity,
    /// Where the client comes from.
    pub(super) address: Option<IpAddr>,
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
    /// Where to begin is known: hold these rooms back, then go in with [`Session::enter`].
    Bound(Itinerary),
    /// The seats of rooms that nobody asked for by command are taken; those not named here are not the client's.
    Entered(Vec<RoomId>, Vec<Entered>, Option<Box<Attendance>>),
    /// The same, and what the client may come back to is kept.
    Ready(Vec<Entered>, Option<Places>),
    /// Caught up, and it is kept that the client is in the room.
    Kept(Catch, Vec<Event>, Places),
    /// The client takes no part in this room any more; the hub has let go of it. `true`: it waits for an answer.
    Expelled(RoomRef, bool),
    /// The client goes on as this.
    Refreshed(Box<Identity>),
    /// The connection cannot go on.
    Over(CloseReason),
}

impl Outcome {
    /// A "no".
    pub(super) fn refused(fault: Fault) -> Self {
        Self::Answer(Answer::Refused(fault))
    }
}

impl Session {
    /// Whether policy and token let this client join `room` by command.
    pub(super) fn may_join(&self, room: &RoomId) -> Result<(), Fault> {
        let policy = self.node.policies().of(room.namespace());
        // In the lobby already, at a door that joins it: joining again is how to resume there.
        let is_in = || self.node.hub().has(room, self.outbound.id());
        if !policy.joinable && (room.namespace() != Namespace::Lobby || !is_in()) {
            return Err(Fault::new(Code::InvalidRoom, "this room is not joined by command"));
        }
        if policy.joinable && !self.identity.may_enter(room) {
            return Err(Fault::new(Code::Forbidden, "this token may not join this room"));
        }
        Ok(())
    }

    /// Takes the seat and begins to catch up. The caller holds the room's live flow back meanwhile.
    /// `others`: rooms to leave first, each with whether the client writes there.
    pub(super) async fn join(
        self: Arc<Self>,
        join: Join,
        seen: Option<Position>,
        others: Vec<(RoomId, bool)>,
    ) -> Outcome {
        for (other, writing) in others {
            self.vacate(&other, writing).await;
        }
        let room = join.room.id.clone();
        match self.take_seat(join, seen).await {
            Ok(catch) => self.catch_up(catch).await,
            Err((fault, was_in)) => {
                if !was_in {
                    self.node.unseat(&room, self.outbound.id(), &self.identity.user).await;
                }
                Outcome::NotJoined(room, fault)
            }
        }
    }

    /// An error says whether the client is in the room all the same.
    async fn take_seat(&self, join: Join, seen: Option<Position>) -> Result<Catch, (Fault, bool)> {
        let room = join.room.id.clone();
        let (connection, who) = (self.outbound.id(), self.identity.author());
        let again = match seen {
            Some(_) => self.node.seat_again(&room, connection, &who).await,
            None => None,
        };
        let was_in = again.is_some();
        let away = |error: PortError| (unavailable(&error), was_in);
        let members = match again {
            Some(members) => members.map_err(away)?,
            None => self.sit_down(&room).await.map_err(|fault| (fault, false))?,
        };
        self.plan(join, members, seen).await.map_err(away)
    }

    /// Takes a seat, if the client belongs here. Asked behind the subscription: a removal that comes later is heard.
    async fn sit_down(&self, room: &RoomId) -> Result<u64, Fault> {
        let away = |error: PortError| unavailable(&error);
        let members = self.node.seat(room, self.member(room)).await.map_err(away)?;
        if self.node.is_exclusive(room)
            && !self.node.belongs(room, &self.identity.user).await.map_err(away)?
        {
            return Err(Fault::new(Code::NotAParticipant, "only participants may join this room"));
        }
        Ok(members)
    }

    /// Whether this client may come back to where it stood.
    pub(super) fn recovers(&self) -> bool {
        self.door.profile.recovers && !self.node.limits().recovery.is_zero()
    }

    /// Whether this client is shown who is in the room.
    fn watches(&self, room: &RoomId) -> bool {
        self.door.profile.shows_members && self.node.policies().of(room.namespace()).roster
    }

    /// Shows who is in the room, within the pause, if this client wants to see it.
    pub(super) fn show_members(&self, room: &RoomId) {
        if self.watches(room) {
            self.node.roster().touch(room);
        }
    }

    /// Where the client stands cannot be kept, so it must not believe that it is in the room.
    pub(super) async fn not_kept(&self, room: RoomId) -> Outcome {
        self.node.unseat(&room, self.outbound.id(), &self.identity.user).await;
        let fault = Fault::retry(Code::Overloaded, "a part of the server is away", RETRY);
        Outcome::NotJoined(room, fault)
    }

    pub(super) fn member(&self, room: &RoomId) -> Member {
        Member { outbound: self.outbound.clone(), who: self.identity.author(), watches: self.watches(room) }
    }

    /// Leaves a room; leaving what was not joined is fine.
    /// `writing`: the others still see this client write there.
    pub(super) async fn leave(self: Arc<Self>, room: RoomRef, writing: bool) -> Outcome {
        self.vacate(&room.id, writing).await;
        Outcome::Left(room)
    }

    async fn vacate(&self, room: &RoomId, writing: bool) {
        if writing {
            self.stop_writing(room.clone()).await;
        }
        self.node.unseat(room, self.outbound.id(), &self.identity.user).await;
    }

    /// Publishes a message. It is heard when it comes back through the room, like everyone else's (invariant 5).
    /// `seated`: the client is in the room. `marked`: it wants an acknowledgement.
    pub(super) async fn say(self: Arc<Self>, say: Say, seated: bool, marked: bool) -> Outcome {
        self.publish(say, seated, marked).await.unwrap_or_else(Outcome::refused)
    }

    async fn publish(&self, say: Say, seated: bool, marked: bool) -> Result<Outcome, Fault> {
        let room = say.room.id.clone();
        self.may_publish(&room, seated).await?;
        self.check_content(&say.content, !say.uploads.is_empty())?;
        self.node.spend(&self.identity).await?;
        let mut draft = Unsealed::new(room, Kind::Message, Some(say.content)).named(say.client_id);
        self.attach(&mut draft, &say.uploads).await?;
        self.send(draft, marked).await
    }

    /// Whether this client may publish in the room. A participant need not be in it at the moment.
    pub(super) async fn may_publish(&self, room: &RoomId, seated: bool) -> Result<(), Fault> {
        if self.node.policies().of(room.namespace()).services_publish {
            return Err(Fault::new(Code::Forbidden, "only services publish here"));
        }
        if seated {
            return Ok(());
        }
        if !self.node.is_exclusive(room) {
            return Err(Fault::new(Code::NotInRoom, "join the room first"));
        }
        let belongs = self.identity.may_enter(room)
            && self.node.belongs(room, &self.identity.user).await.map_err(|error| unavailable(&error))?;
        if belongs {
            Ok(())
        } else {
            Err(Fault::new(Code::NotAParticipant, "only participants may write here"))
        }
    }

    /// Shows the sender's own uploads with a message that is about to be published.
    async fn attach(&self, draft: &mut Unsealed, uploads: &[Uuid]) -> Result<(), Fault> {
        if uploads.is_empty() {
            return Ok(());
        }
        if uploads.len() > UPLOADS {
            let rule = format!("a message shows at most {UPLOADS} uploads");
            return Err(Fault::new(Code::InvalidMessage, rule));
        }
        let owner = &self.identity.user;
        let attached = self.node.uploads().attach(uploads, owner, &draft.room, draft.id).await;
        let attached = attached.map_err(|error| unavailable(&error))?;
        let attachments =
            attached.ok_or_else(|| Fault::new(Code::NotFound, "no such upload for this room"))?;
        if let Some(content) = &mut draft.content {
            content.attachments = attachments;
        }
        Ok(())
    }

    /// Seals and publishes.
    pub(super) async fn send(&self, unsealed: Unsealed, marked: bool) -> Result<Outcome, Fault> {
        let (room, target) = (unsealed.room.clone(), unsealed.target);
        let published = self.post(unsealed).await?;
        if marked {
            let id = target.unwrap_or(published.id);
            return Ok(Outcome::Answer(Answer::Accepted { published: Published { id, ..published } }));
        }
        if !published.repeated {
            return Ok(Outcome::Quiet);
        }
        let first = self.node.reading().at(&room, published.position).await;
        let first = first.map_err(|error| unavailable(&error))?;
        Ok(first.map_or(Outcome::Quiet, Outcome::Show))
    }

    /// Seals and publishes, and no more.
    pub(super) async fn post(&self, unsealed: Unsealed) -> Result<Published, Fault> {
        let named = unsealed.client_id.is_some();
        let sealer = &*self.node.opener().sealer;
        let draft = unsealed.seal(sealer, self.identity.author(), Some(self.outbound.id()));
        let room = draft.room.clone();
        let published = self.node.broker().publish(draft).await.map_err(|error| unavailable(&error))?;
        if named && self.door.profile.tells_stored {
            self.node.watermarks().want(&room, published.position, &self.outbound);
        }
        Ok(published)
    }

    /// Tells the security log what this client did.
    pub(super) fn report(&self, reason: &str) {
        let (user, connection) = (Some(&self.identity.user), Some(self.outbound.id()));
        let door = Some(self.door.profile.name);
        Incident { user, connection, address: self.address, door, reason }.refused();
    }

    /// The rules of every message.
    pub(super) fn check_content(&self, content: &Content, shows_files: bool) -> Result<(), Fault> {
        if content.message_type == MessageType::System && self.identity.role != Role::Service {
            return Err(Fault::new(Code::Forbidden, "only services write system messages"));
        }
        if shows_files && content.text.trim().is_empty() && !content.text.contains('\0') {
            return Ok(());
        }
        self.check_text(&content.text)
    }

    /// The rules of every text.
    pub(super) fn check_text(&self, text: &str) -> Result<(), Fault> {
        let (trimmed, limit) = (text.trim(), self.node.limits().text);
        if trimmed.is_empty() {
            return Err(Fault::new(Code::InvalidMessage, "the message is empty"));
        }
        // Postgres refuses NUL in text; a message that cannot be kept must not be accepted.
        if text.contains('\0') {
            return Err(Fault::new(Code::InvalidMessage, "the message contains NUL"));
        }
        if limit > 0 && trimmed.len() > limit && trimmed.chars().count() > limit {
            return Err(Fault::new(Code::TooLarge, format!("the message is longer than {limit} characters")));
        }
        Ok(())
    }
}
