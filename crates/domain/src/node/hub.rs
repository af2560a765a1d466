//! Which local connections hear which room. Sharded; critical sections are short and never await (invariant 10).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::RandomState;
use tokio::sync::Mutex as Gate;
use tokio::time::Instant;

use super::feeds::{Feed, Step as FeedStep};
use super::outbound::{Class, Item};
use super::track::{Arrival, Step, Track};
use super::{Outbound, Parcel, Skips};
use crate::words::{Author, CloseReason, ConnectionId, Entry, Event, Position, RoomId, Sign, UserId};

const SHARDS: usize = 64;
/// Healed entries that are cast to every member; well below the least queue that makes sense.
const BULK: usize = 32;

/// Whether this node is subscribed to a room. The gate lets one task at a time talk to the broker about a
/// room, and is the only lock here that may be held across an await: it guards no map.
pub(super) type Subscription = Arc<Gate<bool>>;

/// One connection in a room.
pub(super) struct Member {
    pub(super) outbound: Arc<Outbound>,
    pub(super) who: Author,
    /// Whether it is shown who else is here.
    pub(super) watches: bool,
}

struct Room {
    members: Vec<Member>,
    track: Track,
    feed: Feed,
    subscription: Subscription,
    idle_since: Option<Instant>,
}

impl Room {
    fn new() -> Self {
        let (track, feed) = (Track::new(), Feed::new());
        Self { members: Vec::new(), track, feed, subscription: Arc::default(), idle_since: None }
    }

    fn cast(&self, parcel: &Arc<Parcel>, class: Class, chosen: impl Fn(&Member) -> bool) {
        for member in self.members.iter().filter(|member| chosen(member)) {
            member.outbound.push(Item::Parcel(parcel.clone()), class);
        }
    }

    /// Shows a numbered event to everybody.
    fn show(&self, parcel: Parcel) {
        self.cast(&Arc::new(parcel), Class::Durable, |_| true);
    }
}

/// Every room that has, or lately had, members on this node.
pub(super) struct Hub {
    shards: Box<[Mutex<HashMap<RoomId, Room, RandomState>>]>,
    hasher: RandomState,
}

type Rooms<'a> = MutexGuard<'a, HashMap<RoomId, Room, RandomState>>;

impl Hub {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    fn shard(&self, room: &RoomId) -> Rooms<'_> {
        let index = usize::try_from(self.hasher.hash_one(room) % SHARDS as u64).expect("below 64");
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a member and returns the room's gate. A connection joins a room once.
    pub(super) fn join(&self, room: &RoomId, member: Member) -> Subscription {
        let mut shard = self.shard(room);
        let entry = shard.entry(room.clone()).or_insert_with(Room::new);
        let id = member.outbound.id();
        match entry.members.iter_mut().find(|known| known.outbound.id() == id) {
            Some(known) => known.watches |= member.watches,
            None => entry.members.push(member),
        }
        entry.idle_since = None;
        entry.subscription.clone()
    }

    /// The gate of a room that this connection is in; what it is shown there may change. `None`: it is not in it.
    pub(super) fn rejoin(&self, room: &RoomId, connection: ConnectionId) -> Option<Subscription> {
        let shard = self.shard(room);
        let entry = shard.get(room)?;
        let is_in = entry.members.iter().any(|member| member.outbound.id() == connection);
        is_in.then(|| entry.subscription.clone())
    }

    /// Removes a member, if it is there.
    pub(super) fn leave(&self, room: &RoomId, connection: ConnectionId) {
        let mut shard = self.shard(room);
        let Some(entry) = shard.get_mut(room) else { return };
        entry.members.retain(|member| member.outbound.id() != connection);
        if entry.members.is_empty() {
            entry.idle_since.get_or_insert_with(Instant::now);
        }
    }

    /// Whether this connection is in the room.
    pub(super) fn has(&self, room: &RoomId, connection: ConnectionId) -> bool {
        let shard = self.shard(room);
        shard
            .get(room)
            .is_some_and(|entry| entry.members.iter().any(|member| member.outbound.id() == connection))
    }

    /// Whether any local connection of `user` is in the room.
    pub(super) fn seats(&self, room: &RoomId, user: &UserId) -> bool {
        let shard = self.shard(room);
        shard.get(room).is_some_and(|entry| entry.members.iter().any(|member| member.who.user == *user))
    }

    /// Whether anybody here wants to see who is in the room.
    pub(super) fn shows_members(&self, room: &RoomId) -> bool {
        self.shard(room).get(room).is_some_and(|entry| entry.members.iter().any(|member| member.watches))
    }

    /// The rooms whose members somebody here wants to see.
    pub(super) fn watched(&self) -> Vec<RoomId> {
        let mut watched = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let rooms = shard.iter().filter(|(_, entry)| entry.members.iter().any(|member| member.watches));
            watched.extend(rooms.map(|(room, _)| room.clone()));
        }
        watched
    }

    /// Shows something to every member here.
    pub(super) fn cast(&self, room: &RoomId, parcel: &Arc<Parcel>, class: Class) {
        if let Some(entry) = self.shard(room).get(room) {
            entry.cast(parcel, class, |_| true);
        }
    }

    /// Shows something to those members here who want to see who is in the room.
    pub(super) fn cast_to_watchers(&self, room: &RoomId, parcel: &Arc<Parcel>, class: Class) {
        if let Some(entry) = self.shard(room).get(room) {
            entry.cast(parcel, class, |member| member.watches);
        }
    }

    /// Tells every member here to join another room; `anew`: they belong to it since just now.
    pub(super) fn summon(&self, room: &RoomId, other: &RoomId, anew: bool) {
        if let Some(entry) = self.shard(room).get(room) {
            for member in &entry.members {
                member.outbound.push(Item::Enter { room: other.clone(), anew }, Class::Durable);
            }
        }
    }

    /// Puts the user out: from here on none of their connections hears anything of the room. `true`: somebody was here.
    pub(super) fn expel(&self, room: &RoomId, user: &UserId) -> bool {
        let mut shard = self.shard(room);
        let Some(entry) = shard.get_mut(room) else { return false };
        let before = entry.members.len();
        entry.members.retain(|member| {
            if member.who.user == *user {
                member.outbound.push(Item::Expelled(room.clone()), Class::Durable);
                return false;
            }
            true
        });
        if entry.members.is_empty() {
            entry.idle_since.get_or_insert_with(Instant::now);
        }
        entry.members.len() < before
    }

    /// The users who sit in rooms of one kind here, each with those rooms.
    pub(super) fn seated(&self, chosen: impl Fn(&RoomId) -> bool) -> HashMap<UserId, Vec<RoomId>> {
        let mut seated: HashMap<UserId, Vec<RoomId>> = HashMap::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (room, entry) in shard.iter().filter(|(room, _)| chosen(room)) {
                for member in &entry.members {
                    seated.entry(member.who.user.clone()).or_default().push(room.clone());
                }
            }
        }
        seated
    }

    /// Where the room stands on this node: everything up to here was cast. `None`: not known at the moment.
    pub(super) fn place(&self, room: &RoomId) -> Option<Position> {
        match self.shard(room).get(room)?.track {
            Track::At(place) => Some(place),
            Track::Unanchored { .. } | Track::Healing { .. } => None,
        }
    }

    /// Every (room, user) with a local connection; the seats that this node must hold.
    pub(super) fn all_seats(&self) -> Vec<(RoomId, Author)> {
        let mut seats = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (room, entry) in shard.iter() {
                seats.extend(entry.members.iter().map(|member| (room.clone(), member.who.clone())));
            }
        }
        seats
    }

    /// Whether the room's head must be read before anybody looks at its log.
    pub(super) fn is_unanchored(&self, room: &RoomId) -> bool {
        self.shard(room).get(room).is_some_and(|entry| entry.track.is_unanchored())
    }

    /// The room's head is known: deliveries at or below it are repeats. `true`: the room needs the healer.
    pub(super) fn anchor(&self, room: &RoomId, head: Position) -> bool {
        self.shard(room).get_mut(room).is_some_and(|entry| entry.track.anchor(head))
    }

    /// Takes a delivered entry: opened and cast when it is the next one. `true`: the room needs the healer.
    pub(super) fn deliver(&self, entry: Entry, open: impl FnOnce(Entry) -> Parcel) -> bool {
        let mut shard = self.shard(&entry.draft.room);
        let Some(room) = shard.get_mut(&entry.draft.room) else { return false };
        match room.track.arrive(entry) {
            Arrival::Cast(entry) => {
                room.show(open(entry));
                false
            }
            Arrival::Kept => false,
            Arrival::Hole => true,
        }
    }

    /// Marks every followed room as doubtful and returns those that must be checked.
    pub(super) fn suspect_all(&self) -> Vec<RoomId> {
        let mut doubtful = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (room, entry) in shard.iter_mut() {
                if entry.track.suspect() {
                    doubtful.push(room.clone());
                }
            }
        }
        doubtful
    }

    /// Where the healer must begin; `None`: the room is whole, or gone.
    pub(super) fn healing_from(&self, room: &RoomId) -> Option<Position> {
        match self.shard(room).get(room)?.track {
            Track::Healing { from, .. } => Some(from),
            Track::Unanchored { .. } | Track::At(_) => None,
        }
    }

    /// Casts what the healer found of a room whose newest position was `head`, then what waited behind it.
    /// `true`: whole again; `false`: look once more.
    pub(super) fn heal(
        &self,
        room: &RoomId,
        head: Position,
        steps: Vec<Step>,
        open: impl Fn(Entry) -> Parcel,
    ) -> bool {
        let mut shard = self.shard(room);
        let Some(entry) = shard.get_mut(room) else { return true };
        let Track::Healing { from, held, overflow } = &mut entry.track else { return true };
        let (mut place, held, overflow) = (*from, std::mem::take(held), *overflow);
        let mut parcels = Vec::with_capacity(steps.len() + held.len());
        for step in steps {
            match step {
                Step::Entry(missing) => {
                    place = missing.position;
                    parcels.push(open(missing));
                }
                Step::Resync(position) => {
                    place = position;
                    parcels.push(Parcel::resync(room.clone(), position));
                }
            }
        }
        let healed = place;
        let mut waiting = held.into_iter().skip_while(|entry| entry.position <= healed).peekable();
        while let Some(next) = waiting.next_if(|entry| entry.position == place.next()) {
            place = next.position;
            parcels.push(open(next));
        }
        let rest: VecDeque<Entry> = waiting.collect();
        let whole = rest.is_empty() && !overflow && place >= head;
        entry.track = if whole {
            Track::At(place)
        } else {
            Track::Healing { from: place, held: rest, overflow: false }
        };
        if parcels.len() > BULK {
            // More than a queue may take at once: the last one alone makes every cursor see the hole, and each
            // client catches up with the log at its own pace.
            parcels.drain(..parcels.len() - 1);
        }
        for parcel in parcels {
            entry.show(parcel);
        }
        whole
    }

    /// The room's place cannot be restored: every member must rejoin.
    pub(super) fn lose(&self, room: &RoomId) {
        let mut shard = self.shard(room);
        if let Some(entry) = shard.get_mut(room) {
            for member in entry.members.drain(..) {
                member.outbound.doom(CloseReason::PositionLost);
            }
            entry.track = Track::new();
            entry.idle_since = Some(Instant::now());
        }
    }

    /// Looks at where a room's feed stands.
    pub(super) fn feed<T>(&self, room: &RoomId, look: impl FnOnce(&mut Feed) -> T) -> Option<T> {
        self.shard(room).get_mut(room).map(|entry| look(&mut entry.feed))
    }

    /// A room's feed takes a step: what comes of it is shown to everybody. `true`: it needs its healer from now on.
    pub(super) fn step(&self, room: &RoomId, step: impl FnOnce(&mut Feed) -> FeedStep) -> bool {
        let mut shard = self.shard(room);
        let Some(entry) = shard.get_mut(room) else { return false };
        let FeedStep { shown, ails } = step(&mut entry.feed);
        for change in shown {
            let event = Event::Sign { room: room.clone(), sign: Sign::Seats(change) };
            entry.show(Parcel::new(event, Skips::Nobody));
        }
        ails
    }

    /// Marks every feed as doubtful and returns those that need their healer from now on.
    pub(super) fn suspect_feeds(&self) -> Vec<RoomId> {
        let mut doubtful = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let ails = shard.iter_mut().filter_map(|(room, entry)| entry.feed.suspect().then_some(room));
            doubtful.extend(ails.cloned());
        }
        doubtful
    }

    /// Rooms that have had no member since before `deadline`, with their gates.
    pub(super) fn idle_since(&self, deadline: Instant) -> Vec<(RoomId, Subscription)> {
        let mut idle = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let lapsed = |entry: &Room| entry.idle_since.is_some_and(|since| since <= deadline);
            idle.extend(
                shard
                    .iter()
                    .filter(|(_, entry)| lapsed(entry))
                    .map(|(room, entry)| (room.clone(), entry.subscription.clone())),
            );
        }
        idle
    }

    /// Whether the room is still without members since before `deadline`. Where it stands is forgotten then.
    pub(super) fn close_if_idle(&self, room: &RoomId, deadline: Instant) -> bool {
        let mut shard = self.shard(room);
        match shard.get_mut(room) {
            Some(entry) if entry.idle_since.is_some_and(|since| since <= deadline) => {
                (entry.track, entry.feed) = (Track::new(), Feed::new());
                true
            }
            Some(_) | None => false,
        }
    }

    /// Removes a room that is unsubscribed and still has no member.
    pub(super) fn forget_if_idle(&self, room: &RoomId) {
        let mut shard = self.shard(room);
        if shard.get(room).is_some_and(|entry| entry.members.is_empty()) {
            shard.remove(room);
        }
    }
}
