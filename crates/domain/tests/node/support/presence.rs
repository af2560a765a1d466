//! Presence of one node: its seats as the cluster sees them, everybody's slots, and the lease as a test wants it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    Admission, Attendance, Attendee, Census, CensusChange, Delivery, Lease, NodeStanding, PortError,
    Presence, Rate, Swept, Tally,
};
use domain::{Author, ConnectionId, RoomId, UserId};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::broker::ScriptedBroker;
use super::script::{PATIENCE, Script};

type Seats = HashSet<(RoomId, UserId)>;

/// Who is online, on whichever node.
#[derive(Default)]
struct Slots {
    taken: Vec<(ConnectionId, Author)>,
    graces: HashMap<UserId, (Instant, Author)>,
    // What every user may still spend; without an entry, anything.
    budgets: HashMap<UserId, u32>,
}

impl Slots {
    /// Who is online, newest first.
    fn users(&self) -> Vec<Attendee> {
        let mut users: Vec<Attendee> = Vec::new();
        for (_, who) in self.taken.iter() {
            match users.iter_mut().find(|known| known.who.user == who.user) {
                Some(known) => known.connections += 1,
                None => users.push(Attendee { who: who.clone(), connections: 1 }),
            }
        }
        users.reverse();
        users
    }

    fn tally(&self, nodes: u64) -> Tally {
        Tally { connections: self.taken.len() as u64, users: self.users().len() as u64, nodes }
    }
}

pub(crate) struct ScriptedPresence {
    broker: Arc<ScriptedBroker>,
    seats: watch::Sender<Seats>,
    slots: Arc<Mutex<Slots>>,
    /// What the next renewals say; then `Held`.
    pub(crate) leases: Mutex<VecDeque<Lease>>,
    renewals: watch::Sender<usize>,
    /// Taking a seat, held back before anything is done.
    pub(crate) entering: Script,
    /// Giving a seat back, held back before anything is done.
    pub(crate) leaving: Script,
    /// Comparing seats.
    pub(crate) comparing: Script,
    /// Taking a slot, held back before anything is done.
    pub(crate) admitting: Script,
    /// The same, held back with the answer in hand.
    pub(crate) answering: Script,
    /// Counting connections, users and nodes.
    pub(crate) counting: Script,
}

/// A seat, written short.
pub(crate) fn seat(room: &RoomId, user: &str) -> (RoomId, UserId) {
    (room.clone(), UserId::text(user).unwrap())
}

impl ScriptedPresence {
    pub(crate) fn new(broker: Arc<ScriptedBroker>) -> Self {
        Self::with(broker, Arc::default())
    }

    /// Another node's presence, among the same users.
    pub(crate) fn beside(&self, broker: Arc<ScriptedBroker>) -> Self {
        Self::with(broker, self.slots.clone())
    }

    fn with(broker: Arc<ScriptedBroker>, slots: Arc<Mutex<Slots>>) -> Self {
        Self {
            broker,
            seats: watch::Sender::new(Seats::new()),
            slots,
            leases: Mutex::default(),
            renewals: watch::Sender::new(0),
            entering: Script::default(),
            leaving: Script::default(),
            comparing: Script::default(),
            admitting: Script::default(),
            answering: Script::default(),
            counting: Script::default(),
        }
    }

    /// The cluster has lost these seats, and has those instead.
    pub(crate) fn replace_seats(&self, seats: impl IntoIterator<Item = (RoomId, UserId)>) {
        self.seats.send_replace(seats.into_iter().collect());
    }

    pub(crate) fn seats(&self) -> Seats {
        self.seats.borrow().clone()
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots.lock().unwrap().taken.len()
    }

    /// Waits until exactly these seats are taken.
    pub(crate) async fn becomes(&self, seats: impl IntoIterator<Item = (RoomId, UserId)>) {
        let expected: Seats = seats.into_iter().collect();
        let mut taken = self.seats.subscribe();
        let reached = timeout(PATIENCE, taken.wait_for(|taken| *taken == expected)).await.is_ok();
        assert!(reached, "expected {expected:?}, found {:?}", self.seats());
    }

    /// Waits until the lease was renewed this many more times.
    pub(crate) async fn renewed(&self, times: usize) {
        let mut renewals = self.renewals.subscribe();
        let aim = *renewals.borrow() + times;
        timeout(PATIENCE, renewals.wait_for(|renewals| *renewals >= aim)).await.unwrap().unwrap();
    }

    /// From now on the user may spend this much.
    pub(crate) fn allow(&self, user: &str, budget: u32) {
        self.slots.lock().unwrap().budgets.insert(UserId::text(user).unwrap(), budget);
    }

    fn take_slot(
        &self,
        who: &Author,
        connection: ConnectionId,
        limit: usize,
        replace_oldest: bool,
    ) -> Admission {
        let mut slots = self.slots.lock().unwrap();
        if slots.taken.iter().any(|(taken, _)| *taken == connection) {
            return Admission::Admitted { first: false };
        }
        let mine = |(_, owner): &&(ConnectionId, Author)| owner.user == who.user;
        let (held, oldest) =
            (slots.taken.iter().filter(mine).count(), slots.taken.iter().position(|slot| mine(&slot)));
        let in_grace = slots.graces.contains_key(&who.user);
        let replaced = match oldest.filter(|_| limit > 0 && held >= limit) {
            Some(_) if !replace_oldest => return Admission::Refused,
            Some(oldest) => Some(slots.taken.remove(oldest).0),
            None => None,
        };
        slots.graces.remove(&who.user);
        slots.taken.push((connection, who.clone()));
        drop(slots);
        let Some(replaced) = replaced else {
            return Admission::Admitted { first: held == 0 && !in_grace };
        };
        self.broker.tell_all(&Delivery::Evict(replaced));
        Admission::Replaces(replaced)
    }

    fn sitters(&self, room: &RoomId) -> Vec<Author> {
        let seats = self.seats.borrow();
        let here = seats.iter().filter(|(taken, _)| taken == room);
        here.map(|(_, user)| Author { user: user.clone(), name: None }).collect()
    }

    fn census(&self, room: &RoomId, who: &UserId, edge: bool, entered: bool) -> Census {
        let count = self.sitters(room).len() as u64;
        if edge {
            let who = Author { user: who.clone(), name: None };
            let change = CensusChange { room: room.clone(), who, entered, count };
            self.broker.tell(room, &Delivery::Census(change));
        }
        Census { edge, count }
    }
}

#[async_trait]
impl Presence for ScriptedPresence {
    async fn enter(&self, room: &RoomId, who: &Author) -> Result<Census, PortError> {
        self.entering.turn().await?;
        let mut edge = false;
        self.seats.send_modify(|seats| edge = seats.insert((room.clone(), who.user.clone())));
        Ok(self.census(room, &who.user, edge, true))
    }

    async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError> {
        self.leaving.turn().await?;
        let mut edge = false;
        self.seats.send_modify(|seats| edge = seats.remove(&(room.clone(), user.clone())));
        Ok(self.census(room, user, edge, false))
    }

    async fn members(&self, room: &RoomId, limit: usize) -> Result<(Vec<Author>, u64), PortError> {
        let sitters = self.sitters(room);
        let count = sitters.len() as u64;
        Ok((sitters.into_iter().take(limit).collect(), count))
    }

    async fn admit(
        &self,
        who: &Author,
        connection: ConnectionId,
        limit: usize,
        replace_oldest: bool,
    ) -> Result<Admission, PortError> {
        self.admitting.turn().await?;
        let answer = self.take_slot(who, connection, limit, replace_oldest);
        self.answering.turn().await?;
        Ok(answer)
    }

    async fn release(
        &self,
        user: &UserId,
        connection: ConnectionId,
        grace: Duration,
    ) -> Result<bool, PortError> {
        let mut slots = self.slots.lock().unwrap();
        let Some(index) = slots.taken.iter().position(|(taken, _)| *taken == connection) else {
            return Ok(false);
        };
        let (_, who) = slots.taken.remove(index);
        let last = !slots.taken.iter().any(|(_, owner)| owner.user == *user);
        if last {
            slots.graces.insert(user.clone(), (Instant::now() + grace, who));
        }
        Ok(last)
    }

    async fn is_online(&self, user: &UserId) -> Result<bool, PortError> {
        let slots = self.slots.lock().unwrap();
        Ok(slots.graces.contains_key(user) || slots.taken.iter().any(|(_, owner)| owner.user == *user))
    }

    async fn held(&self) -> Result<Vec<(RoomId, UserId)>, PortError> {
        self.comparing.turn().await?;
        Ok(self.seats().into_iter().collect())
    }

    async fn renew(&self) -> Result<Lease, PortError> {
        self.renewals.send_modify(|renewals| *renewals += 1);
        Ok(self.leases.lock().unwrap().pop_front().unwrap_or(Lease::Held))
    }

    async fn sweep(&self) -> Result<Swept, PortError> {
        let (mut slots, now) = (self.slots.lock().unwrap(), Instant::now());
        let over: Vec<UserId> =
            slots.graces.iter().filter(|(_, (ends, _))| *ends <= now).map(|(user, _)| user.clone()).collect();
        let offline = over.iter().filter_map(|user| Some(slots.graces.remove(user)?.1)).collect();
        Ok(Swept { seats: 0, offline })
    }

    async fn retire(&self, _: Duration) -> Result<(), PortError> {
        Ok(())
    }

    async fn tally(&self) -> Result<Tally, PortError> {
        self.counting.turn().await?;
        Ok(self.slots.lock().unwrap().tally(self.broker.live()))
    }

    async fn attendance(&self, limit: usize) -> Result<Attendance, PortError> {
        let slots = self.slots.lock().unwrap();
        Ok(Attendance {
            users: slots.users().into_iter().take(limit).collect(),
            tally: slots.tally(self.broker.live()),
        })
    }

    async fn count(&self, room: &RoomId) -> Result<u64, PortError> {
        Ok(self.sitters(room).len() as u64)
    }

    async fn connections_of(&self, users: &[UserId]) -> Result<Vec<u64>, PortError> {
        let slots = self.slots.lock().unwrap();
        let held = |user: &UserId| slots.taken.iter().filter(|(_, owner)| owner.user == *user).count();
        Ok(users.iter().map(|user| held(user) as u64).collect())
    }

    async fn nodes(&self) -> Result<Vec<NodeStanding>, PortError> {
        Ok(Vec::new())
    }

    async fn spend(&self, user: &UserId, cost: u32, _: Rate) -> Result<Option<Duration>, PortError> {
        let mut slots = self.slots.lock().unwrap();
        let Some(budget) = slots.budgets.get_mut(user) else { return Ok(None) };
        if *budget < cost {
            return Ok(Some(Duration::from_millis(50)));
        }
        *budget -= cost;
        Ok(None)
    }
}
