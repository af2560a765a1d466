//! Every open connection of this node: who is told to go, and when nobody is left.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::RandomState;
use tokio::sync::watch;

use super::{Class, Item, Outbound, Parcel, Skips};
use crate::security::Incident;
use crate::words::{
    Announcement, Audience, CloseReason, ConnectionId, Event, Identity, RoomId, Sign, Token, UserId,
};

/// Whose a connection is.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) user: UserId,
    pub(super) token: Token,
    pub(super) address: Option<IpAddr>,
}

impl Owner {
    pub(super) fn of(identity: &Identity, address: Option<IpAddr>) -> Self {
        Self { user: identity.user.clone(), token: identity.token.clone(), address }
    }
}

struct Entry {
    outbound: Arc<Outbound>,
    owner: Owner,
}

impl Entry {
    fn incident<'a>(&'a self, reason: &'a str) -> Incident<'a> {
        let (user, connection) = (Some(&self.owner.user), Some(self.outbound.id()));
        Incident { user, connection, address: self.owner.address, reason, ..Incident::default() }
    }
}

type Connections = HashMap<ConnectionId, Entry, RandomState>;

/// The node's connections.
pub(super) struct Population {
    // Held to add, remove or list; never across an await.
    connections: Mutex<Connections>,
    count: watch::Sender<usize>,
    draining: watch::Sender<bool>,
}

impl Population {
    pub(super) fn new() -> Self {
        Self {
            connections: Mutex::default(),
            count: watch::Sender::new(0),
            draining: watch::Sender::new(false),
        }
    }

    /// Adds a connection until the returned guard is dropped; `None`: the node drains.
    pub(super) fn register(self: &Arc<Self>, outbound: &Arc<Outbound>, owner: Owner) -> Option<Resident> {
        let mut connections = self.list();
        // Under the lock: a drain either sees this connection or is seen by it.
        if self.is_draining() {
            return None;
        }
        let user = owner.user.clone();
        connections.insert(outbound.id(), Entry { outbound: outbound.clone(), owner });
        self.count.send_replace(connections.len());
        Some(Resident { population: self.clone(), id: outbound.id(), user })
    }

    /// Ends a connection that had to make room for a newer one, if it is here.
    pub(super) fn evict(&self, connection: ConnectionId) {
        if let Some(entry) = self.list().get(&connection) {
            entry.incident("evicted").closed();
            entry.outbound.doom(CloseReason::TooManyConnections);
        }
    }

    /// Ends the connections of some owners, and tells the security log why.
    pub(super) fn kick(&self, reason: &'static str, chosen: impl Fn(&Owner) -> bool) {
        for entry in self.list().values().filter(|entry| chosen(&entry.owner)) {
            entry.incident(reason).closed();
            entry.outbound.doom(CloseReason::Kicked);
        }
    }

    /// Shows an announcement to the connections that it is for.
    pub(super) fn announce(&self, said: Announcement, to: &Audience, origin: Option<ConnectionId>) {
        let event = Event::Sign { room: RoomId::everywhere(), sign: Sign::Announcement(said) };
        let parcel = Arc::new(Parcel::new(event, Skips::Nobody));
        for (connection, entry) in self.list().iter() {
            let is_meant = match to {
                Audience::Everyone => true,
                Audience::Others => Some(*connection) != origin,
                Audience::User(user) => entry.owner.user == *user,
            };
            if is_meant {
                entry.outbound.push(Item::Direct(parcel.clone()), Class::Durable);
            }
        }
    }

    /// The user was given a role: their connections look up which one they act in now.
    pub(super) fn assign(&self, user: &UserId) {
        for entry in self.list().values().filter(|entry| entry.owner.user == *user) {
            entry.outbound.push(Item::Assigned, Class::Durable);
        }
    }

    /// The connection goes on by another token of the same user.
    pub(super) fn refresh(&self, connection: ConnectionId, identity: &Identity) {
        if let Some(entry) = self.list().get_mut(&connection) {
            entry.owner = Owner::of(identity, entry.owner.address);
        }
    }

    /// Every user who is connected here, once.
    pub(super) fn users(&self) -> HashSet<UserId> {
        self.list().values().map(|entry| entry.owner.user.clone()).collect()
    }

    /// From now on nobody comes in; returns who is here.
    pub(super) fn begin_drain(&self) -> Vec<Arc<Outbound>> {
        let connections = self.list();
        self.draining.send_replace(true);
        connections.values().map(|entry| entry.outbound.clone()).collect()
    }

    pub(super) fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until nobody is left.
    pub(super) async fn emptied(&self) {
        // An error would mean that the sender is gone; it lives as long as self.
        let _ = self.count.subscribe().wait_for(|open| *open == 0).await;
    }

    fn list(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a connection off the list however its life ends.
pub(super) struct Resident {
    population: Arc<Population>,
    id: ConnectionId,
    user: UserId,
}

impl Resident {
    /// The connection.
    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    /// Whose it is.
    pub(super) fn user(&self) -> &UserId {
        &self.user
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        let mut connections = self.population.list();
        connections.remove(&self.id);
        self.population.count.send_replace(connections.len());
    }
}
