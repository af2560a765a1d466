//! Presence of one node: its seats and slots as the cluster sees them, and the lease as a test wants it.

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use domain::ports::{Admission, Census, Departure, Lease, PortError, Presence};
use domain::{Author, ConnectionId, RoomId, UserId};
use tokio::sync::watch;
use tokio::time::timeout;

use super::script::{PATIENCE, Script};

type Seats = HashSet<(RoomId, UserId)>;

pub(crate) struct ScriptedPresence {
    seats: watch::Sender<Seats>,
    slots: Mutex<HashSet<ConnectionId>>,
    /// What the next renewals say; then `Held`.
    pub(crate) leases: Mutex<VecDeque<Lease>>,
    renewals: watch::Sender<usize>,
    /// Taking a seat, held back before anything is done.
    pub(crate) entering: Script,
    /// Giving a seat back, held back before anything is done.
    pub(crate) leaving: Script,
    /// Comparing seats.
    pub(crate) comparing: Script,
}

impl Default for ScriptedPresence {
    fn default() -> Self {
        Self {
            seats: watch::Sender::new(Seats::new()),
            slots: Mutex::default(),
            leases: Mutex::default(),
            renewals: watch::Sender::new(0),
            entering: Script::default(),
            leaving: Script::default(),
            comparing: Script::default(),
        }
    }
}

/// A seat, written short.
pub(crate) fn seat(room: &RoomId, user: &str) -> (RoomId, UserId) {
    (room.clone(), UserId::text(user).unwrap())
}

impl ScriptedPresence {
    /// The cluster has lost these seats, and has those instead.
    pub(crate) fn replace_seats(&self, seats: impl IntoIterator<Item = (RoomId, UserId)>) {
        self.seats.send_replace(seats.into_iter().collect());
    }

    pub(crate) fn seats(&self) -> Seats {
        self.seats.borrow().clone()
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots.lock().unwrap().len()
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

    fn census(&self, room: &RoomId, edge: bool) -> Census {
        let count = self.seats.borrow().iter().filter(|(taken, _)| taken == room).count();
        Census { edge, count: count as u64 }
    }
}

#[async_trait]
impl Presence for ScriptedPresence {
    async fn enter(&self, room: &RoomId, who: &Author) -> Result<Census, PortError> {
        self.entering.turn().await?;
        let mut edge = false;
        self.seats.send_modify(|seats| edge = seats.insert((room.clone(), who.user.clone())));
        Ok(self.census(room, edge))
    }

    async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError> {
        self.leaving.turn().await?;
        let mut edge = false;
        self.seats.send_modify(|seats| edge = seats.remove(&(room.clone(), user.clone())));
        Ok(self.census(room, edge))
    }

    async fn members(&self, _: &RoomId, _: usize) -> Result<(Vec<Author>, u64), PortError> {
        Ok((Vec::new(), 0))
    }

    async fn admit(
        &self,
        _: &UserId,
        connection: ConnectionId,
        _: usize,
        _: bool,
    ) -> Result<Admission, PortError> {
        self.slots.lock().unwrap().insert(connection);
        Ok(Admission::Admitted)
    }

    async fn release(&self, _: &UserId, connection: ConnectionId) -> Result<(), PortError> {
        self.slots.lock().unwrap().remove(&connection);
        Ok(())
    }

    async fn held(&self) -> Result<Vec<(RoomId, UserId)>, PortError> {
        self.comparing.turn().await?;
        Ok(self.seats().into_iter().collect())
    }

    async fn renew(&self) -> Result<Lease, PortError> {
        self.renewals.send_modify(|renewals| *renewals += 1);
        Ok(self.leases.lock().unwrap().pop_front().unwrap_or(Lease::Held))
    }

    async fn sweep(&self) -> Result<Vec<Departure>, PortError> {
        Ok(Vec::new())
    }

    async fn retire(&self) -> Result<(), PortError> {
        Ok(())
    }
}
