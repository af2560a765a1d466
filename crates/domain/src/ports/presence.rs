//! Who is where, across the cluster.

use std::time::Duration;

use async_trait::async_trait;

use super::PortError;
use crate::words::{Author, ConnectionId, NodeId, RoomId, UserId};

/// What an entry or a departure changed in a room's census.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// This was the user's first seat in the room, or the last one gone, across the cluster.
    pub edge: bool,
    /// Distinct users in the room now.
    pub count: u64,
}

/// A user came into a room or left it, across the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CensusChange {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub who: Author,
    /// Came, or left.
    pub entered: bool,
    /// Distinct users in the room now.
    pub count: u64,
}

/// The answer to a request for a connection slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The connection may stay.
    Admitted {
        /// The user was offline until now: this is the one connection that makes them online.
        first: bool,
    },
    /// The connection may stay; this older one of the same user must go, and its node is told by [`super::Delivery::Evict`].
    Replaces(ConnectionId),
    /// The user has as many connections as they may.
    Refused,
}

/// What a sweep has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Seats removed that were their user's last ones in the room, for counting; the rooms are told already.
    pub seats: usize,
    /// Users who are offline from now on.
    pub offline: Vec<Author>,
}

/// Whether a node's lease still stood when it was renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It stood: every seat of this node is still there.
    Held,
    /// It is new, had lapsed, or the cluster's memory may have lost something: seats must be compared and taken again.
    Lapsed,
}

/// How many there are across the cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connection slots.
    pub connections: u64,
    /// Distinct users with a slot; those in their grace are not counted.
    pub users: u64,
    /// Nodes whose lease stands.
    pub nodes: u64,
}

/// A user who is online.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// Who.
    pub who: Author,
    /// Their connection slots.
    pub connections: u64,
}

/// Who is online.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Those who came last, newest first; all, where they are few.
    pub users: Vec<Attendee>,
    /// How many there are in all.
    pub tally: Tally,
}

/// One live node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStanding {
    /// Its incarnation.
    pub id: NodeId,
    /// Its connection slots.
    pub connections: u64,
}

/// A token bucket: how fast it fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens per second.
    pub per_second: u32,
    /// Tokens that it holds.
    pub burst: u32,
}

/// Who is where, across the cluster. A seat is (node incarnation, room, user); seats live as long as
/// their node's lease. Node, room and user counts are exact while leases are renewed. Whenever a user comes into a
/// room or leaves it, by whatever way, its subscribers are told by [`super::Delivery::Census`], once.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Takes the seat. Idempotent: a seat taken twice counts once.
    async fn enter(&self, room: &RoomId, who: &Author) -> Result<Census, PortError>;

    /// Gives the seat back. Idempotent.
    async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError>;

    /// Up to `limit` distinct users in the room, and how many there are in all.
    async fn members(&self, room: &RoomId, limit: usize) -> Result<(Vec<Author>, u64), PortError>;

    /// Takes one of `limit` connection slots of the user (0: no limit), atomically across the cluster. A user with a
    /// slot is online; one caller is told that it was the first.
    async fn admit(
        &self,
        who: &Author,
        connection: ConnectionId,
        limit: usize,
        replace_oldest: bool,
    ) -> Result<Admission, PortError>;

    /// Gives the slot back. Idempotent. `true`: it was the user's last one; unless they take another within `grace`, a
    /// sweep after it says that they are offline.
    async fn release(
        &self,
        user: &UserId,
        connection: ConnectionId,
        grace: Duration,
    ) -> Result<bool, PortError>;

    /// Whether the user is online: holds a slot, or did a grace ago.
    async fn is_online(&self, user: &UserId) -> Result<bool, PortError>;

    /// Every seat that this node holds, as the cluster sees it.
    async fn held(&self) -> Result<Vec<(RoomId, UserId)>, PortError>;

    /// Renews this node's lease. A lapse is told until a renewal has succeeded everywhere.
    async fn renew(&self) -> Result<Lease, PortError>;

    /// Removes the seats and slots of every node whose lease lapsed, and finds the users whose grace is over. Each is
    /// told to one caller, once. Users who vanished with their node have no grace: its lease was one.
    async fn sweep(&self) -> Result<Swept, PortError>;

    /// Gives back everything that this node holds, at shutdown; its users have `grace` to come back elsewhere.
    async fn retire(&self, grace: Duration) -> Result<(), PortError>;

    /// How many connections, users and nodes there are. Read from counters that are kept in step with slots and leases:
    /// the cost does not grow with any of them, and no node is asked.
    async fn tally(&self) -> Result<Tally, PortError>;

    /// The `limit` users who came online last, newest first, without those in their grace, and the same counters.
    async fn attendance(&self, limit: usize) -> Result<Attendance, PortError>;

    /// Distinct users in the room.
    async fn count(&self, room: &RoomId) -> Result<u64, PortError>;

    /// How many slots each of these users holds, in the same order.
    async fn connections_of(&self, users: &[UserId]) -> Result<Vec<u64>, PortError>;

    /// Every node whose lease stands, and its slots. For operators.
    async fn nodes(&self) -> Result<Vec<NodeStanding>, PortError>;

    /// Takes `cost` tokens from the user's one bucket, atomically across the cluster. `None`: taken. Otherwise how long
    /// to wait for them; nothing was taken then.
    async fn spend(&self, user: &UserId, cost: u32, rate: Rate) -> Result<Option<Duration>, PortError>;
}
