//! What comes of a command.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Connection, PIECE, Underway};
use crate::dialect::Answer;
use crate::node::outbound::Item;
use crate::node::patience::Over;
use crate::node::replay::Catch;
use crate::node::session::{Outcome, Session};
use crate::node::{Parcel, Transport};
use crate::words::{CloseReason, Code, Event, Fault, Identity, RoomId, RoomRef, Timestamp};

impl<T: Transport> Connection<T> {
    pub(super) async fn settle(&mut self, outcome: Outcome) -> Result<(), Over> {
        match outcome {
            Outcome::Quiet => Ok(()),
            Outcome::Answer(Answer::Refused(fault)) => {
                let reference = self.underway.reference.take();
                self.refuse(fault, reference.as_deref()).await
            }
            Outcome::Answer(answer) => self.answer(&answer).await,
            Outcome::Show(event) => {
                let form = self.seats.form(event.room());
                let Some(frame) = self.session.door.dialect.event(&event, form) else { return Ok(()) };
                self.feed(frame).await?;
                self.flush().await
            }
            Outcome::Left(room) => self.left(room).await,
            Outcome::NotJoined(room, fault) => self.not_joined(&room, fault).await,
            Outcome::Caught(catch, events) => self.replay(catch, events).await,
            Outcome::CaughtUp(catch, page) => self.arrive(catch, page).await,
            Outcome::Extend(catch) => {
                self.extend(catch);
                Ok(())
            }
            Outcome::Bound(itinerary) => {
                self.enter(itinerary);
                Ok(())
            }
            Outcome::Entered(asked, entered, attendance) => {
                self.attendance = attendance;
                self.entered(&asked, entered).await
            }
            Outcome::Ready(entered, places) => {
                self.opened(places);
                self.ready(entered).await
            }
            Outcome::Kept(catch, page, places) => {
                self.seats.kept(places);
                self.arrive(catch, page).await
            }
            Outcome::Expelled(room, joins) => self.put_out(room, joins).await,
            Outcome::Refreshed(identity) => self.refreshed(*identity).await,
            Outcome::Lost => Err(Over(CloseReason::PositionLost)),
            Outcome::Over(reason) => Err(Over(reason)),
        }
    }

    async fn answer(&mut self, answer: &Answer) -> Result<(), Over> {
        let reference = self.underway.reference.take();
        self.say(answer, reference.as_deref()).await
    }

    async fn left(&mut self, room: RoomRef) -> Result<(), Over> {
        self.seats.remove_left();
        self.keep_past();
        self.answer(&Answer::Left { room }).await
    }

    async fn not_joined(&mut self, room: &RoomId, fault: Fault) -> Result<(), Over> {
        self.seats.remove_left();
        let reference = self.underway.reference.take();
        self.refuse(fault, reference.as_deref()).await?;
        if self.is_in(room) {
            let waited = self.seats.abandon(room);
            return self.catch_up_with(waited).await;
        }
        self.lose_seat(room);
        Ok(())
    }

    /// The client is not in the room any more, on whoever's account. `false`: it was not, as far as it knows.
    pub(super) fn lose_seat(&mut self, room: &RoomId) -> bool {
        let session = &self.session;
        session.node.hub().leave(room, session.outbound.id());
        session.node.keeper().owe(room.clone(), session.identity.user.clone());
        self.seats.expel(room)
    }

    /// The client was put out of a room while something was under way for it there. `joins`: it waits for an answer.
    async fn put_out(&mut self, room: RoomRef, joins: bool) -> Result<(), Over> {
        if !self.session.node.is_exclusive(&room.id) {
            // Only a room whose place was lost lets go of its members otherwise, and that ends the connection.
            return Err(Over(CloseReason::PositionLost));
        }
        let joined = self.lose_seat(&room.id);
        if joins {
            let fault = Fault::new(Code::NotAParticipant, "only participants may join this room");
            let reference = self.underway.reference.take();
            return self.refuse(fault, reference.as_deref()).await;
        }
        if joined {
            return self.say(&Answer::Expelled { room }, None).await;
        }
        Ok(())
    }

    /// Takes one piece of a replay: into the answer while that is small, else onto the wire at the client's pace.
    async fn replay(&mut self, catch: Catch, events: Vec<Event>) -> Result<(), Over> {
        self.seats.remove_left();
        if !self.is_in(&catch.room.id) {
            return self.put_out(catch.room, catch.join.is_some()).await;
        }
        let form = catch.room.form;
        let inlines = self.underway.inline.is_some();
        let mut early = self.underway.inline.take().unwrap_or_default();
        let fits = inlines && catch.is_inline() && self.underway.inline_bytes <= PIECE;
        early.extend(events);
        if fits {
            let dialect = self.session.door.dialect.clone();
            let length = |event: &Event| dialect.event(event, form).map_or(0, |frame| frame.len());
            self.underway.inline_bytes = early.iter().map(length).sum();
        }
        if fits && self.underway.inline_bytes <= PIECE {
            self.underway.inline = Some(early);
        } else {
            self.show(early, form).await?;
        }
        let session = self.session.clone();
        self.underway.work = Some(Box::pin(async move { session.catch_up(catch).await }));
        Ok(())
    }

    /// The replay has reached the head: answer, let go of what was held, and go live.
    async fn arrive(&mut self, mut catch: Catch, page: Vec<Event>) -> Result<(), Over> {
        self.seats.remove_left();
        if !self.is_in(&catch.room.id) {
            return self.put_out(catch.room, catch.join.is_some()).await;
        }
        if !self.seats.advance(&catch.room.id, catch.at) {
            self.extend(catch);
            return Ok(());
        }
        if let Some(joining) = catch.join.as_mut().filter(|joining| !joining.kept) {
            joining.kept = true;
            let is_new = self.seats.prove_start(&catch.room.id, joining.start);
            if is_new && let Some(keeping) = self.past() {
                // Kept before it is answered: whoever was told that it is in the room comes back to it.
                let session = self.session.clone();
                self.underway.work = Some(Box::pin(async move {
                    match keeping.await {
                        Some(places) => Outcome::Kept(catch, page, places),
                        None => session.not_kept(catch.room.id).await,
                    }
                }));
                return Ok(());
            }
        }
        self.go_live(catch, page).await
    }

    async fn go_live(&mut self, catch: Catch, page: Vec<Event>) -> Result<(), Over> {
        let inline = catch.is_inline();
        let Catch { room, head, join, .. } = catch;
        let id = room.id.clone();
        if let Some(joining) = join {
            let underway = std::mem::take(&mut self.underway);
            let history = if inline { underway.inline.unwrap_or_default() } else { page };
            let (recovered, members) = (joining.recovered, joining.members);
            let answer = Answer::Joined { room, head, recovered, history, members, at: Timestamp::now() };
            self.say(&answer, underway.reference.as_deref()).await?;
        }
        let waited = self.seats.release(&id);
        self.session.show_members(&id);
        self.catch_up_with(waited).await
    }

    pub(super) async fn catch_up_with(&mut self, waited: VecDeque<Arc<Parcel>>) -> Result<(), Over> {
        self.write(&mut waited.into_iter().map(Item::Parcel).collect()).await
    }

    /// Starts the replay of a room whose live flow met a hole, if there is one.
    pub(super) fn heal_next(&mut self) -> bool {
        let Some((room, at)) = self.seats.next_ailing() else { return false };
        self.underway = Underway::default();
        self.extend(Catch { room, at, head: at, join: None, later: None });
        true
    }

    fn extend(&mut self, catch: Catch) {
        let session = self.session.clone();
        self.underway.work = Some(Box::pin(async move { session.extend(catch).await }));
    }

    /// Goes on as the owner of a fresh token.
    async fn refreshed(&mut self, identity: Identity) -> Result<(), Over> {
        self.session.node.population().refresh(self.session.outbound.id(), &identity);
        // Looked at behind that: a ruling that comes later finds the connection by its new token.
        if let Some(ruling) = self.session.node.ruling_against(&identity) {
            self.session.report(ruling);
            return Err(Over(CloseReason::Kicked));
        }
        self.lifetime.renew(identity.expires_at);
        self.reset = true;
        self.go_on_as(identity);
        self.answer(&Answer::Done).await
    }

    /// The user was given a role.
    pub(super) fn assigned(&mut self) {
        self.go_on_as(self.session.identity.clone());
    }

    fn go_on_as(&mut self, mut identity: Identity) {
        identity.role = self.session.node.role_of(&identity);
        let Session { node, door, outbound, address, .. } = &*self.session;
        let (node, door, outbound) = (node.clone(), door.clone(), outbound.clone());
        self.session = Arc::new(Session { node, door, outbound, identity, address: *address });
    }
}
