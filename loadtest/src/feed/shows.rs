//! The events of one run: their numbers at the server, what is known of each, and who watches.
//!
//! Owns the shared state of all viewers and bookers, and creating the events. Locks are short, never held across an
//! await, and never nested.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{
    feed::{
        board::{Arrival, Board, Word},
        desk::{Asker, Desk},
        eye::Eye,
    },
    run::world::World,
    wire::{message::Stamp, token},
};

/// Why there are no events.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The token could not be signed.
    #[error("cannot sign the token that creates events: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// The server did not create one.
    #[error("cannot create events: {0}")]
    Refused(String),
}

/// What the viewers and bookers of one run share.
pub(crate) struct Shows {
    pub(super) desk: Desk,
    events: OnceLock<Vec<Show>>,
    /// Requests whose answer is not known yet.
    pub(super) open: AtomicU64,
}

/// One event.
pub(super) struct Show {
    /// Its number at the server.
    pub(super) id: u64,
    board: Mutex<Board>,
    /// One per viewer that ever connected.
    eyes: Mutex<Vec<Arc<Mutex<Eye>>>>,
}

/// Makes the events; before anybody lives.
pub(crate) async fn prepare(world: &Arc<World>) -> Result<(), FeedError> {
    let feed = &world.scenario.feed;
    let token = token::mint_service(&world.secret)?;
    let mut shows = Vec::with_capacity(feed.events);
    for index in 0..feed.events {
        let title = format!("{}-{}-{index}", world.scenario.room_prefix, world.run.id);
        let asker = Asker { token: &token, turn: index };
        let id = world.shows.desk.create(asker, &title, feed.seats).await.map_err(FeedError::Refused)?;
        shows.push(Show { id, board: Mutex::new(Board::new(feed.seats)), eyes: Mutex::default() });
    }
    // A second call would find them made; nobody makes one.
    let _ = world.shows.events.set(shows);
    Ok(())
}

impl Shows {
    pub(crate) fn new(addresses: &[String]) -> Result<Self, reqwest::Error> {
        Ok(Self { desk: Desk::new(addresses)?, events: OnceLock::new(), open: AtomicU64::new(0) })
    }

    /// Empty before `prepare`.
    pub(super) fn all(&self) -> &[Show] {
        self.events.get().map_or(&[], Vec::as_slice)
    }

    /// The event at place `index`, round and round.
    pub(super) fn at(&self, index: usize) -> Option<&Show> {
        let place = index.checked_rem(self.all().len())?;
        self.all().get(place)
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.open.load(Relaxed) == 0
    }
}

impl Show {
    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }

    pub(super) fn eyes(&self) -> Vec<Arc<Mutex<Eye>>> {
        lock(&self.eyes).clone()
    }

    pub(super) fn admit(&self, eye: &Arc<Mutex<Eye>>) {
        lock(&self.eyes).push(Arc::clone(eye));
    }

    /// Takes the answer of the HTTP API, and measures what came before it.
    pub(super) fn confirm(&self, world: &World, word: Word<'_>, stamp: Stamp) {
        let (agrees, early) = self.board().answered(word, stamp);
        if !agrees {
            contradiction(world, self.id, &word, "the answer");
        }
        for Arrival { user, at } in early {
            measure(world, user, stamp, at);
        }
    }
}

/// Counts one delivery of a change that was due then.
pub(super) fn measure(world: &World, user: usize, stamp: Stamp, at: u64) {
    if world.is_measured(stamp) {
        world.latency.live(user, stamp, at);
    }
}

/// Counts a number of seats that cannot be, or that somebody else told otherwise.
pub(super) fn contradiction(world: &World, event: u64, word: &Word<'_>, who: &str) {
    world.tally.disordered.add(1);
    world.tally.finding(|| format!("event {event}: {who} contradicts what is known: {word:?}"));
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
