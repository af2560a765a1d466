//! What a client is in without a command, and what it comes back to.

use super::{Connection, Keeping, Underway};
use crate::dialect::{Answer, Welcome};
use crate::node::Transport;
use crate::node::opening::{Entered, Itinerary};
use crate::node::outbound::Item;
use crate::node::patience::Over;
use crate::node::recovery::PROOFS;
use crate::node::seats::Places;
use crate::node::session::Outcome;
use crate::words::{RoomId, Timestamp};

impl<T: Transport> Connection<T> {
    /// Starts the opening, if the door has one and it has not begun.
    pub(super) fn open_next(&mut self) -> bool {
        let Some(start) = self.start.take() else { return false };
        let session = self.session.clone();
        self.underway = Underway::default();
        self.underway.work = Some(Box::pin(session.set_out(*start)));
        true
    }

    /// Starts to enter the rooms that the user was added to.
    pub(super) fn enter_next(&mut self) -> bool {
        let summons = std::mem::take(&mut self.summons);
        let ways: Vec<_> = summons
            .into_iter()
            .filter(|room| !self.seats.contains(room) && self.session.identity.may_enter(room))
            .map(crate::node::opening::Way::summoned)
            .collect();
        if ways.is_empty() {
            return false;
        }
        self.enter(Itinerary { ways, recovery: None });
        true
    }

    /// Holds the rooms back and takes their seats.
    pub(super) fn enter(&mut self, itinerary: Itinerary) {
        let Itinerary { ways, recovery } = itinerary;
        if let Some(recovery) = recovery {
            self.recovery = Some(Box::new(recovery));
        }
        for way in &ways {
            self.seats.take_freely(&way.room, way.by_command);
        }
        let session = self.session.clone();
        self.underway = Underway::default();
        let greets = !self.welcomed;
        self.underway.work = Some(Box::pin(session.enter(ways, greets)));
    }

    /// The seats are taken: keep what the client may come back to, then welcome it.
    pub(super) async fn entered(&mut self, asked: &[RoomId], mut entered: Vec<Entered>) -> Result<(), Over> {
        entered.retain(|entered| self.is_in(&entered.room));
        for room in asked.iter().filter(|room| !entered.iter().any(|entered| entered.room == **room)) {
            self.seats.remove(room);
            self.session.node.keeper().owe(room.clone(), self.session.identity.user.clone());
        }
        for Entered { room, at, .. } in &entered {
            self.seats.begin_at(room, *at);
        }
        match self.past() {
            None => self.ready(entered).await,
            Some(keeping) => {
                self.underway.work = Some(Box::pin(async move {
                    let places = keeping.await;
                    Outcome::Ready(entered, places)
                }));
                Ok(())
            }
        }
    }

    /// What could be kept of the opening. A client whose past is not kept is not told that it can come back to it; one
    /// that has come back already still can, to where it says that it stands.
    pub(super) fn opened(&mut self, places: Option<Places>) {
        match places {
            Some(places) => self.seats.kept(places),
            None if self.recovery.as_ref().is_some_and(|recovery| recovery.resumed) => self.seats.not_kept(),
            None => self.recovery = None,
        }
    }

    /// Whether the hub still has this connection in the room: it may have been put out a moment ago.
    pub(super) fn is_in(&self, room: &RoomId) -> bool {
        self.seats.contains(room) && self.session.node.hub().has(room, self.session.outbound.id())
    }

    /// The rooms flow from here on.
    pub(super) async fn ready(&mut self, entered: Vec<Entered>) -> Result<(), Over> {
        if !self.welcomed && self.session.door.profile.welcomes {
            self.welcomed = true;
            let closed = self.named.as_ref().and_then(|room| self.session.may_join(&room.id).err());
            let answer = Answer::Welcome(Box::new(self.welcome()));
            self.say(&answer, None).await?;
            if let Some(fault) = closed {
                self.say(&Answer::Refused(fault), None).await?;
            }
            let early = std::mem::take(&mut self.early);
            self.write(&mut early.into_iter().map(Item::Direct).collect()).await?;
        }
        for Entered { room, missed, .. } in entered {
            self.session.show_members(&room);
            if missed {
                self.seats.ail(room);
            } else {
                let waited = self.seats.release(&room);
                self.catch_up_with(waited).await?;
            }
        }
        Ok(())
    }

    fn welcome(&mut self) -> Welcome {
        let (session, recovery) = (&self.session, self.recovery.as_deref());
        Welcome {
            connection: recovery
                .map_or_else(|| session.outbound.id().to_string().into(), |recovery| recovery.public.clone()),
            recovery: recovery.map(|recovery| recovery.secret.clone()),
            user: session.identity.user.clone(),
            attendance: self.attendance.take().map(|attendance| *attendance),
            room: self.named.take().map(|room| *room).filter(|room| self.seats.contains(&room.id)),
            limits: session.node.limits().allowance(),
            at: Timestamp::now(),
        }
    }

    /// A sign of life: what was shown before the last ping has arrived.
    pub(super) fn prove(&mut self) {
        if self.recovery.is_some() {
            self.seats.ponged();
            self.proofs += 1;
            // Now and then also where nothing moved: what is kept lapses unless it is kept again.
            if self.seats.has_moved() || self.proofs >= PROOFS {
                self.keep_past();
            }
        }
    }

    /// Keeps where the client stands, beside everything else.
    pub(super) fn keep_past(&mut self) {
        if let Some(keeping) = self.past() {
            self.keeping = Some(keeping);
        }
    }

    /// The writing of where the client stands, and what is kept of it then; `None`: its door has no such thing.
    pub(super) fn past(&mut self) -> Option<Keeping> {
        let recovery = self.recovery.clone()?;
        // What is still to be written is older, and must not come behind this.
        self.keeping = None;
        let (session, ways) = (self.session.clone(), self.seats.ways());
        Some(Box::pin(async move {
            if let Err(error) = recovery.keep(&session.node, &session.identity.user, &ways).await {
                tracing::debug!(%error, session.id = %session.outbound.id(), "a client's past cannot be kept now");
                return None;
            }
            Some(ways.into_iter().filter_map(|way| Some((way.room.id, way.from?))).collect())
        }))
    }
}
