//! Every open connection of this node: who is told to go, and when nobody is left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::RandomState;
use tokio::sync::watch;

use super::Outbound;
use crate::words::{CloseReason, ConnectionId, UserId};

type Connections = HashMap<ConnectionId, Arc<Outbound>, RandomState>;

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
    pub(super) fn register(self: &Arc<Self>, outbound: &Arc<Outbound>, user: &UserId) -> Option<Resident> {
        let mut connections = self.list();
        // Under the lock: a drain either sees this connection or is seen by it.
        if self.is_draining() {
            return None;
        }
        connections.insert(outbound.id(), outbound.clone());
        self.count.send_replace(connections.len());
        Some(Resident { population: self.clone(), id: outbound.id(), user: user.clone() })
    }

    /// Ends a connection that had to make room for a newer one, if it is here.
    pub(super) fn evict(&self, connection: ConnectionId) {
        if let Some(outbound) = self.list().get(&connection) {
            outbound.doom(CloseReason::TooManyConnections);
        }
    }

    /// From now on nobody comes in; returns who is here.
    pub(super) fn begin_drain(&self) -> Vec<Arc<Outbound>> {
        let connections = self.list();
        self.draining.send_replace(true);
        connections.values().cloned().collect()
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
