//! What a connection is in without a command: its user's own room and chats at connect, chats that the user is added
//! to later, and everything that it was in before, when it comes back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::StreamExt;

use super::Session;
use super::connection::Start;
use super::core::Resume;
use super::outbound::{Class, Item};
use super::recovery::{Past, Recovery};
use super::session::Outcome;
use crate::ports::{Attendance, PortError};
use crate::words::{CloseReason, Form, Position, RoomId, RoomRef};

/// Rooms entered at the same time.
const AT_ONCE: usize = 16;

/// A room to go into.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// The room, as the client names it.
    pub(super) room: RoomRef,
    /// Where the client stood; `None`: it begins with what comes next.
    pub(super) from: Option<Position>,
    /// Whether it was joined by command, and counts as such.
    pub(super) by_command: bool,
}

impl Way {
    /// Into a room that the client's address names.
    fn named(room: RoomRef) -> Self {
        Self { room, from: None, by_command: true }
    }

    /// Into a room that the user was added to just now.
    pub(super) fn summoned(id: RoomId) -> Self {
        Self { room: RoomRef { id, form: Form::Text }, from: None, by_command: false }
    }
}

/// Where a connection begins.
pub(super) struct Itinerary {
    /// Its rooms.
    pub(super) ways: Vec<Way>,
    /// What it may come back with, where its door has that.
    pub(super) recovery: Option<Recovery>,
}

/// A room that the client is in now.
pub(super) struct Entered {
    /// The room.
    pub(super) room: RoomId,
    /// Everything up to here was shown, or is not for this client; `None`: the room has no order.
    pub(super) at: Option<Position>,
    /// Whether something behind that must be replayed before the live flow.
    pub(super) missed: bool,
}

impl Session {
    /// Where to begin.
    pub(super) async fn set_out(self: Arc<Self>, start: Start) -> Outcome {
        match self.plan_opening(start).await {
            Ok(itinerary) => Outcome::Bound(itinerary),
            Err(error) => {
                tracing::warn!(%error, user.id = %self.identity.user, "a connection cannot be opened now");
                Outcome::Over(CloseReason::Unavailable)
            }
        }
    }

    async fn plan_opening(&self, start: Start) -> Result<Itinerary, PortError> {
        let (Start { resume, room }, profile) = (start, &self.door.profile);
        // The address is a client's word like any command.
        let room = room.filter(|room| self.may_join(&room.id).is_ok());
        let mut ways: Vec<Way> = room.into_iter().map(Way::named).collect();
        if profile.joins.lobby {
            ways.push(Way::summoned(RoomId::lobby()));
        }
        if profile.joins.own {
            ways.push(Way::summoned(RoomId::of_user(&self.identity.user)));
        }
        if profile.joins.chats {
            let chats = self.node.directory().rooms_of(&self.identity.user).await?;
            ways.extend(chats.into_iter().filter(|chat| self.identity.may_enter(chat)).map(Way::summoned));
        }
        if !self.recovers() {
            return Ok(Itinerary { ways, recovery: None });
        }
        let recovery = match self.recall(resume).await? {
            Some((recovery, past)) => {
                self.resume_ways(&mut ways, past);
                recovery
            }
            None => Recovery::fresh(self.outbound.id()),
        };
        Ok(Itinerary { ways, recovery: Some(recovery) })
    }

    /// What was left of a client that comes back, if it is its own and complete.
    async fn recall(&self, resume: Option<Resume>) -> Result<Option<(Recovery, Past)>, PortError> {
        let Some(resume) = resume else { return Ok(None) };
        let Some((recovery, mut past)) = Recovery::recall(&self.node, &resume, &self.identity.user).await?
        else {
            return Ok(None);
        };
        let said = resume.place.as_deref().map(|place| self.door.dialect.places(place));
        let Some(places) = said.unwrap_or(Some(Vec::new())) else { return Ok(None) };
        past.advance(places);
        for way in &past.ways {
            let (Some(from), head) = (way.from, self.node.reading().head(&way.room.id).await?) else {
                continue;
            };
            let far = head.seq.saturating_sub(from.seq) > self.node.limits().max_replay as u64;
            if far || from > head {
                return Ok(None);
            }
        }
        Ok(Some((recovery, past)))
    }

    /// Goes on where the client stood: in chats that it still belongs to, and in what it joined by command.
    fn resume_ways(&self, ways: &mut Vec<Way>, past: Past) {
        let mut stood: HashMap<RoomId, Way> =
            past.ways.into_iter().map(|way| (way.room.id.clone(), way)).collect();
        for way in ways.iter_mut() {
            if let Some(known) = stood.remove(&way.room.id) {
                *way = known;
            }
        }
        let still =
            |way: &Way| !self.node.is_exclusive(&way.room.id) && self.identity.may_enter(&way.room.id);
        ways.extend(stood.into_values().filter(still));
    }

    /// Takes the seats. The caller holds the rooms' live flow back meanwhile. `greets`: the client is to be welcomed.
    pub(super) async fn enter(self: Arc<Self>, ways: Vec<Way>, greets: bool) -> Outcome {
        let asked = ways.iter().map(|way| way.room.id.clone()).collect::<Vec<_>>();
        match self.come_in(ways, greets).await {
            Ok((entered, attendance)) => Outcome::Entered(asked, entered, attendance),
            Err(error) => {
                tracing::warn!(%error, user.id = %self.identity.user, "rooms cannot be entered now");
                Outcome::Over(CloseReason::Unavailable)
            }
        }
    }

    async fn come_in(
        &self,
        ways: Vec<Way>,
        greets: bool,
    ) -> Result<(Vec<Entered>, Option<Box<Attendance>>), PortError> {
        let entered = self.take_seats(ways).await?;
        let attendance = match greets && self.door.profile.shows_users {
            true => Some(Box::new(self.node.attendance().await?)),
            false => None,
        };
        Ok((entered, attendance))
    }

    async fn take_seats(&self, ways: Vec<Way>) -> Result<Vec<Entered>, PortError> {
        let seats: Vec<Result<Entered, PortError>> =
            futures::stream::iter(ways).map(|way| self.go(way)).buffered(AT_ONCE).collect().await;
        let entered = seats.into_iter().collect::<Result<Vec<_>, _>>()?;
        let is_exclusive = |entered: &Entered| self.node.is_exclusive(&entered.room);
        if !self.door.profile.joins.chats && !entered.iter().any(is_exclusive) {
            return Ok(entered);
        }
        // Asked again behind the subscriptions: what came about before them is not told by a whisper.
        let chats: HashSet<RoomId> =
            self.node.directory().rooms_of(&self.identity.user).await?.into_iter().collect();
        if entered.iter().any(|entered| entered.room == RoomId::of_user(&self.identity.user)) {
            for room in chats.iter().filter(|chat| !entered.iter().any(|entered| entered.room == **chat)) {
                self.outbound.push(Item::Enter { room: room.clone(), anew: false }, Class::Durable);
            }
        }
        let (kept, lost): (Vec<_>, Vec<_>) = entered
            .into_iter()
            .partition(|entered| !self.node.is_exclusive(&entered.room) || chats.contains(&entered.room));
        for entered in lost {
            self.node.unseat(&entered.room, self.outbound.id(), &self.identity.user).await;
        }
        Ok(kept)
    }

    async fn go(&self, way: Way) -> Result<Entered, PortError> {
        let room = &way.room.id;
        let policy = self.node.policies().of(room.namespace());
        self.node.seat(room, self.member(room)).await?;
        let (at, missed) = match way.from {
            _ if !policy.durable => (None, false),
            Some(from) => (Some(from), true),
            // What was cast up to here went to others; what comes next is this client's.
            None => match self.node.hub().place(room) {
                Some(place) => (Some(place), false),
                None => (Some(self.node.reading().head(room).await?), false),
            },
        };
        Ok(Entered { room: room.clone(), at, missed })
    }
}
