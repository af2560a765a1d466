//! An inbox that a test can listen to.

use std::sync::Arc;

use domain::ports::{Delivery, Inbox};
use domain::words::{ConnectionId, Entry};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::timeout;

use crate::scene::WAIT;

/// More than any test publishes; a full one fails the test.
const WIDTH: usize = 20_000;

/// What one node heard, in order.
pub(crate) struct Ear {
    heard: mpsc::Receiver<Entry>,
    evicted: mpsc::Receiver<ConnectionId>,
}

struct Drum(mpsc::Sender<Entry>, mpsc::Sender<ConnectionId>);

impl Inbox for Drum {
    fn deliver(&self, delivery: Delivery) {
        match delivery {
            Delivery::Entry(entry) => match self.0.try_send(entry) {
                Ok(()) | Err(TrySendError::Closed(_)) => {}
                Err(TrySendError::Full(_)) => panic!("an ear is full"),
            },
            Delivery::Evict(connection) => {
                // Only the tests of admission listen; nobody else is in their way.
                let _ = self.1.try_send(connection);
            }
            // A doubt, no loss: whatever was lost is missed by the test itself.
            Delivery::Suspect => {}
        }
    }
}

impl Ear {
    pub(crate) fn new() -> (Self, Arc<dyn Inbox>) {
        let (sender, heard) = mpsc::channel(WIDTH);
        let (evictions, evicted) = mpsc::channel(WIDTH);
        (Self { heard, evicted }, Arc::new(Drum(sender, evictions)))
    }

    /// The next connection that had to make room.
    pub(crate) async fn evicted(&mut self) -> ConnectionId {
        let evicted = timeout(WAIT, self.evicted.recv()).await.expect("an eviction is told in time");
        evicted.expect("the broker still holds the inbox")
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
