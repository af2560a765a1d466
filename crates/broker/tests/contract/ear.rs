//! An inbox that a test can listen to.

use std::sync::Arc;

use domain::ports::{CensusChange, Delivery, Inbox};
use domain::words::{ConnectionId, Entry, MessageId, Passing};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::timeout;

use crate::scene::WAIT;

/// More than any test publishes; a full one fails the test.
const WIDTH: usize = 20_000;

/// What one node heard, in order. A test listens to its entries or to its rooms, not to both.
pub(crate) struct Ear {
    heard: mpsc::Receiver<Entry>,
    evicted: mpsc::Receiver<ConnectionId>,
    rooms: mpsc::Receiver<Heard>,
}

/// What is heard of a room, in one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Entry(Entry),
    Passing(Passing),
    Census(CensusChange),
}

struct Drum {
    heard: mpsc::Sender<Entry>,
    evicted: mpsc::Sender<ConnectionId>,
    rooms: mpsc::Sender<Heard>,
}

fn beat<T>(drum: &mpsc::Sender<T>, heard: T) {
    match drum.try_send(heard) {
        Ok(()) | Err(TrySendError::Closed(_)) => {}
        Err(TrySendError::Full(_)) => panic!("an ear is full"),
    }
}

impl Inbox for Drum {
    fn deliver(&self, delivery: Delivery) {
        match delivery {
            Delivery::Entry(entry) => {
                beat(&self.rooms, Heard::Entry(entry.clone()));
                beat(&self.heard, entry);
            }
            Delivery::Passing(passing) => beat(&self.rooms, Heard::Passing(passing)),
            Delivery::Census(change) => beat(&self.rooms, Heard::Census(change)),
            Delivery::Evict(connection) => beat(&self.evicted, connection),
            // A doubt, no loss: whatever was lost is missed by the test itself.
            Delivery::Suspect => {}
        }
    }
}

impl Ear {
    pub(crate) fn new() -> (Self, Arc<dyn Inbox>) {
        let (sender, heard) = mpsc::channel(WIDTH);
        let (evictions, evicted) = mpsc::channel(WIDTH);
        let (news, rooms) = mpsc::channel(WIDTH);
        (Self { heard, evicted, rooms }, Arc::new(Drum { heard: sender, evicted: evictions, rooms: news }))
    }

    /// The next connection that had to make room.
    pub(crate) async fn evicted(&mut self) -> ConnectionId {
        let evicted = timeout(WAIT, self.evicted.recv()).await.expect("an eviction is told in time");
        evicted.expect("the broker still holds the inbox")
    }

    /// The next thing in any room.
    pub(crate) async fn any(&mut self) -> Heard {
        let heard = timeout(WAIT, self.rooms.recv()).await.expect("something is told in time");
        heard.expect("the broker still holds the inbox")
    }

    /// Everything in any room up to `last`, which is left out.
    pub(crate) async fn until(&mut self, last: MessageId) -> Vec<Heard> {
        let mut told = Vec::new();
        loop {
            match self.any().await {
                Heard::Entry(entry) if entry.draft.id == last => return told,
                heard => told.push(heard),
            }
        }
    }

    /// The next entry.
    pub(crate) async fn next(&mut self) -> Entry {
        let heard = timeout(WAIT, self.heard.recv()).await.expect("something is delivered in time");
        heard.expect("the broker still holds the inbox")
    }

    /// The next `count` entries.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(count);
        while entries.len() < count {
            entries.push(self.next().await);
        }
        entries
    }
}
