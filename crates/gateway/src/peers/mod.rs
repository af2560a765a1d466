//! The other nodes: where each of them is, and handing a request on to the one that holds its session.
//!
//! Every node keeps a note of its own address and of a secret that only it knows; whoever can read the notes belongs
//! to the cluster. Invariant: a request is handed on once. What comes in through [`ROUTE`] is answered here or not at all.

mod relay;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use domain::ports::{Notes, PortError};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

pub(crate) use relay::hand_on;

/// The internal path of sessions, on the admin listener.
pub(crate) const ROUTE: &str = "/internal/socket.io/";
/// Carries the secret of the node that is asked.
const SECRET: HeaderName = HeaderName::from_static("x-hubbub-peer");

/// How often a node says where it is.
const SAID_EVERY: Duration = Duration::from_secs(5);
/// How long that is believed.
const BELIEVED: Duration = Duration::from_secs(20);
/// How long a look at a note is remembered, also one that found nothing.
const REMEMBERED: Duration = Duration::from_secs(5);
/// Looks remembered at most; the names come from clients.
const LOOKS: usize = 1024;

/// Where a node is, as the others read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    /// `host:port` of its admin listener.
    address: String,
    /// What it wants to hear from those who hand something on to it.
    secret: String,
}

type Looks = HashMap<String, (Instant, Option<Card>)>;

/// The nodes of the cluster as one of them knows them.
pub struct Peers {
    notes: Arc<dyn Notes>,
    name: String,
    own: Card,
    // Bounded by `LOOKS`. Held for a look, never across an await.
    looks: Mutex<Looks>,
}

fn key(name: &str) -> String {
    format!("peer:{name}")
}

impl Peers {
    /// The cluster as the node `name` knows it, whose admin listener the others reach at `address`.
    pub fn new(notes: Arc<dyn Notes>, name: &str, address: String) -> Self {
        let own = Card { address, secret: format!("{:032x}", rand::random::<u128>()) };
        Self { notes, name: name.to_owned(), own, looks: Mutex::default() }
    }

    /// This node's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says where this node is, until dropped.
    pub async fn announce_forever(&self) {
        let card = Bytes::from(serde_json::to_vec(&self.own).expect("two strings always encode"));
        loop {
            if let Err(error) = self.notes.keep(&key(&self.name), card.clone(), BELIEVED).await {
                tracing::debug!(%error, "this node's address could not be noted");
            }
            sleep(SAID_EVERY).await;
        }
    }

    /// Whether a request that was handed on comes from the cluster.
    pub(crate) fn trusts(&self, headers: &HeaderMap) -> bool {
        headers.get(SECRET).is_some_and(|secret| secret.as_bytes() == self.own.secret.as_bytes())
    }

    /// Where the node `name` is; `None`: there is no such node now.
    async fn find(&self, name: &str) -> Result<Option<Card>, PortError> {
        if let Some((at, card)) = self.looks().get(name)
            && at.elapsed() < REMEMBERED
        {
            return Ok(card.clone());
        }
        let note = self.notes.recall(&key(name)).await?;
        let card: Option<Card> = note.and_then(|note| serde_json::from_slice(&note).ok());
        let mut looks = self.looks();
        if looks.len() >= LOOKS {
            looks.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
        }
        if looks.len() < LOOKS {
            looks.insert(name.to_owned(), (Instant::now(), card.clone()));
        }
        Ok(card)
    }

    /// The note may be of a former life of that node: look again next time.
    fn doubt(&self, name: &str) {
        self.looks().remove(name);
    }

    fn looks(&self) -> std::sync::MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
