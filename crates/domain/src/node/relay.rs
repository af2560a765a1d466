//! From the broker to the hub: every delivery is checked against the room's place on this node, opened once,
//! and cast. Where something is missing, the healer fills it before anything later is shown.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

use super::bars::Bars;
use super::feeds::Feeds;
use super::hearing::Hearings;
use super::history::History;
use super::hub::Hub;
use super::opener::Opener;
use super::outbound::Class;
use super::population::Population;
use super::roster::Roster;
use super::typists::Typists;
use super::{Parcel, Skips};
use crate::ports::{Delivery, Inbox};
use crate::words::{Author, ConnectionId, Event, Passing, Position, RoomId, Sign, UserId, Whisper};

/// Looks at the same time.
const LOOKS: usize = 32;
/// Pause before a failed look is repeated.
const PAUSE: Duration = Duration::from_millis(200);

/// The receiving half of a node.
pub(super) struct Relay {
    pub(super) hub: Arc<Hub>,
    pub(super) opener: Arc<Opener>,
    population: Arc<Population>,
    // Bounded by the number of rooms on this node: a room is in it once.
    sick: Mutex<HashSet<RoomId>>,
    called: Notify,
    roster: Arc<Roster>,
    typists: Typists,
    /// The feeds that are followed here.
    pub(super) feeds: Feeds,
    /// What every node must have heard.
    pub(super) hearings: Hearings,
    /// Who is kept out.
    pub(super) bars: Arc<Bars>,
    /// Who belongs where may have changed unheard.
    pub(super) doubt: Notify,
}

impl Inbox for Relay {
    fn deliver(&self, delivery: Delivery) {
        match delivery {
            Delivery::Entry(entry) => {
                let room = entry.draft.room.clone();
                if self.hub.deliver(entry, |entry| self.opener.parcel(entry)) {
                    metrics::counter!("hubbub_holes_total").increment(1);
                    self.call_healer([room]);
                }
            }
            Delivery::Passing(passing) => self.pass(&passing),
            Delivery::Census(change) => self.roster.note(change),
            Delivery::Evict(connection) => self.population.evict(connection),
            Delivery::Suspect => {
                let doubtful = self.hub.suspect_all();
                tracing::info!(rooms = doubtful.len(), "deliveries are in doubt, checking every room");
                self.call_healer(doubtful);
                self.hub.watched().iter().for_each(|room| self.roster.touch(room));
                self.feeds.suspect_all();
                // A removal may be among what was lost.
                self.doubt.notify_one();
                self.bars.doubt();
            }
        }
    }
}

impl Relay {
    pub(super) fn new(
        hub: Arc<Hub>,
        opener: Arc<Opener>,
        population: Arc<Population>,
        roster: Arc<Roster>,
        (feeds, bars): (Feeds, Arc<Bars>),
        typing: Duration,
    ) -> Self {
        Self {
            hub,
            opener,
            population,
            sick: Mutex::default(),
            called: Notify::new(),
            roster,
            typists: Typists::new(typing),
            feeds,
            hearings: Hearings::default(),
            bars,
            doubt: Notify::new(),
        }
    }

    fn pass(&self, passing: &Passing) {
        let room = &passing.room;
        match self.opener.whisper(passing) {
            Ok(Whisper::Show(sign)) => self.show(room, sign, passing.origin),
            Ok(Whisper::Added(other)) => self.hub.summon(room, &other, true),
            Ok(Whisper::Removed(user)) => self.put_out(room, user),
            Ok(Whisper::PutOut { room, user, question }) => {
                self.put_out(&room, user);
                self.hearings.owe(question);
            }
            Ok(Whisper::Heard(question)) => self.hearings.heard(question),
            Ok(Whisper::Announce { announcement, to }) => {
                self.population.announce(announcement, &to, passing.origin);
            }
            Ok(Whisper::Dismissed { user, barred }) => {
                if barred {
                    self.bars.disable(user.clone());
                }
                self.population.kick("dismissed", |whose| whose.user == user);
            }
            Ok(Whisper::Readmitted(user)) => self.bars.readmit(user),
            Ok(Whisper::Revoked(token)) => {
                self.bars.revoke(token.clone());
                self.population.kick("token_revoked", |whose| whose.token.id.as_ref() == Some(&token));
            }
            Ok(Whisper::Assigned(assignment)) => {
                let user = assignment.user.clone();
                self.bars.assign(assignment);
                self.population.assign(&user);
            }
            Err(reason) => tracing::debug!(room.id = %room, %reason, "a whisper cannot be read"),
        }
    }

    fn put_out(&self, room: &RoomId, user: UserId) {
        if self.hub.expel(room, &user) {
            tracing::info!(room.id = %room, user.id = %user, "a removed participant was put out");
        }
        // Who is out does not write any more.
        self.show(room, Sign::Typing { who: Author { user, name: None }, active: false }, None);
    }

    /// Shows a sign to the members here.
    fn show(&self, room: &RoomId, sign: Sign, origin: Option<ConnectionId>) {
        let (skips, class) = match &sign {
            Sign::Typing { who, active } => {
                if !self.typists.note(room, who, *active) {
                    return;
                }
                (Skips::User(who.user.clone()), Class::Droppable)
            }
            Sign::Status { .. } | Sign::Members { .. } => (Skips::Nobody, Class::Droppable),
            Sign::Attendance { .. } => (origin.map_or(Skips::Nobody, Skips::Connection), Class::Droppable),
            Sign::Seats(change) => return self.feeds.arrive(room, change.clone()),
            // A phone that does not ring is a loss.
            Sign::Read { .. } | Sign::Signal(_) | Sign::Announcement(_) => (Skips::Nobody, Class::Durable),
        };
        let event = Event::Sign { room: room.clone(), sign };
        self.hub.cast(room, &Arc::new(Parcel::new(event, skips)), class);
    }

    /// Ends the writing of those who have not begun again in time, for as long as the node lives.
    pub(super) async fn still_typists_forever(&self) {
        loop {
            for (room, who) in self.typists.expired().await {
                let skips = Skips::User(who.user.clone());
                let event = Event::Sign { room: room.clone(), sign: Sign::Typing { who, active: false } };
                self.hub.cast(&room, &Arc::new(Parcel::new(event, skips)), Class::Droppable);
            }
        }
    }

    fn call_healer(&self, rooms: impl IntoIterator<Item = RoomId>) {
        self.sick.lock().unwrap_or_else(PoisonError::into_inner).extend(rooms);
        self.called.notify_one();
    }

    /// The head that was read under the room's gate.
    pub(super) fn anchor(&self, room: &RoomId, head: Position) {
        if self.hub.anchor(room, head) {
            self.call_healer([room.clone()]);
        }
    }

    /// Heals rooms for as long as the node lives; a room that cannot be healed yet keeps none of the others waiting.
    /// Dropping the future ends it between two looks.
    pub(super) async fn heal_forever(&self, history: &History) {
        let looks = Semaphore::new(LOOKS);
        let (mut healing, mut busy) = (FuturesUnordered::new(), HashSet::new());
        loop {
            let sick = tokio::select! {
                () = self.called.notified() => self.take_sick(),
                Some(room) = healing.next(), if !healing.is_empty() => {
                    busy.remove(&room);
                    // It may have fallen ill again while this was told.
                    if self.hub.healing_from(&room).is_some() { HashSet::from([room]) } else { continue }
                }
            };
            for room in sick {
                if busy.insert(room.clone()) {
                    healing.push(self.heal(room, &looks, history));
                }
            }
        }
    }

    fn take_sick(&self) -> HashSet<RoomId> {
        std::mem::take(&mut *self.sick.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn heal(&self, room: RoomId, looks: &Semaphore, history: &History) -> RoomId {
        while let Some(from) = self.hub.healing_from(&room) {
            let found = {
                let _turn = looks.acquire().await;
                history.behind(&room, from).await
            };
            match found {
                Ok(Some((head, steps))) => {
                    metrics::counter!("hubbub_healed_entries_total").increment(steps.len() as u64);
                    let moved = !steps.is_empty();
                    let whole = self.hub.heal(&room, head, steps, |entry| self.opener.parcel(entry));
                    if !whole && !moved {
                        sleep(PAUSE).await;
                    }
                }
                Ok(None) => {
                    tracing::error!(room.id = %room, position = %from, "a hole cannot be filled, members must rejoin");
                    metrics::counter!("hubbub_positions_lost_total").increment(1);
                    self.hub.lose(&room);
                }
                Err(error) => {
                    tracing::debug!(room.id = %room, %error, "a hole cannot be filled yet");
                    sleep(PAUSE).await;
                }
            }
        }
        room
    }
}
