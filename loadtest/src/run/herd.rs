//! The herd: whom each storm cut, and how soon all of them were back.
//!
//! Owns the count per storm. A client that is cut again before it is back is no longer missing from the first storm.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Herd {
    storms: Vec<Mutex<Storm>>,
}

/// One storm so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Storm {
    pub(crate) cut: usize,
    pub(crate) back: usize,
    /// The longest way back so far, from the end of the client's absence to its last room.
    pub(crate) longest: Duration,
}

/// A client's part in a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) storm: usize,
}

impl Herd {
    pub(crate) fn new(storms: usize) -> Self {
        Self { storms: (0..storms).map(|_| Mutex::default()).collect() }
    }

    pub(crate) fn cut(&self, struck: Struck) {
        self.storm(struck.storm).cut += 1;
    }

    /// The client may come back since `since`, and is.
    pub(crate) fn back(&self, struck: Struck, since: Instant) {
        let mut storm = self.storm(struck.storm);
        storm.back += 1;
        storm.longest = storm.longest.max(since.elapsed());
    }

    /// The client will not come back to this storm: another one, or the server, was faster.
    pub(crate) fn forget(&self, struck: Struck) {
        let mut storm = self.storm(struck.storm);
        storm.cut -= 1;
    }

    pub(crate) fn read(&self, storm: usize) -> Storm {
        *self.storm(storm)
    }

    fn storm(&self, index: usize) -> MutexGuard<'_, Storm> {
        self.storms[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
