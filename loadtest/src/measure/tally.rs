//! The counters of a run. Owns counting; what a count means for the verdict is `verdict.rs`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::{Deserialize, Serialize};

/// One list makes both the atomics and the readable copy, so that no counter can be forgotten in one of them.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        #[derive(Debug, Default)]
        pub(crate) struct Tally {
            $(pub(crate) $name: Count,)+
            errors: Mutex<BTreeMap<String, u64>>,
            acts: Mutex<BTreeMap<&'static str, u64>>,
            findings: Mutex<Vec<String>>,
            /// Connections that stand now.
            standing: Count,
        }

        /// What a run counted, at one moment.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Counters {
            /// What two processes counted together.
            #[must_use]
            pub fn plus(&self, other: &Self) -> Self {
                Self { $($name: self.$name + other.$name,)+ }
            }
        }

        impl Tally {
            pub(crate) fn read(&self) -> Counters {
                Counters { $($name: self.$name.get(),)+ }
            }
        }
    };
}

counters! {
    /// Clients that have joined all of their rooms at least once.
    joined,
    /// First sends.
    sent,
    /// Repeats of a message with the same client id.
    resent,
    /// Messages that their sender saw back.
    acknowledged,
    /// Messages not created because a client's outbox was full.
    shed,
    /// Receipts over all members, live and recovered, each message once per member.
    delivered,
    /// Those of them that came by replay or from the history.
    recovered,
    /// Connections lost.
    cuts,
    /// Connections regained, all rooms joined again.
    reconnects,
    /// Rejoins that were answered with `recovered: true`.
    recovered_true,
    /// Rejoins that were answered with `recovered: false`.
    recovered_false,
    /// `resync` frames: a new epoch was announced.
    resyncs,
    /// Answers to a repeated client id, heard by the sender alone; legal.
    repeat_answers,
    /// Breach: a member heard a message twice, or one client id became two messages.
    repeated,
    /// Breach: a member heard a message after a later one, or two members disagree about a position.
    disordered,
    /// Breach: a member heard a message while the one before it was missing.
    gaps,
    /// Breach: an acknowledged message that a member of its room does not have at the end (one per member).
    lost,
    /// Messages that their sender never saw back, at the end.
    unacknowledged,
    /// Breach: acknowledged and not in the database.
    missing_in_database,
    /// Breach: in the database more than once.
    doubled_in_database,
    /// Breach: in the database under another position or id than the clients saw.
    mismatched_in_database,
    /// Breach: in the database and never seen by any client.
    unseen_in_database,
    /// Breach: numbers missing inside an epoch in the database.
    holes_in_database,
    /// Rows of this run's rooms in the database.
    rows_in_database,
}

/// A relaxed counter: read for progress and at the end, never to synchronise.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    fn sub(&self, fewer: u64) {
        self.0.fetch_sub(fewer, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One connection, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Standing(Arc<Tally>);

impl Drop for Standing {
    fn drop(&mut self) {
        self.0.standing.sub(1);
    }
}

/// Breaches described in words, at most; the counters count all of them.
const FINDINGS_KEPT: usize = 40;

impl Tally {
    pub(crate) fn error(&self, code: &str) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        match errors.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(errors.insert(code.to_owned(), 1)),
        }
    }

    pub(crate) fn errors(&self) -> BTreeMap<String, u64> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client did something besides saying something: `history`, `typing`, …
    pub(crate) fn act(&self, act: &'static str) {
        *self.acts.lock().unwrap_or_else(PoisonError::into_inner).entry(act).or_default() += 1;
    }

    pub(crate) fn acts(&self) -> BTreeMap<String, u64> {
        let acts = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
        acts.iter().map(|(act, count)| ((*act).to_owned(), *count)).collect()
    }

    /// A connection stands for as long as the result is kept.
    pub(crate) fn stand(self: &Arc<Self>) -> Standing {
        self.standing.add(1);
        Standing(Arc::clone(self))
    }

    pub(crate) fn standing(&self) -> u64 {
        self.standing.get()
    }

    /// Keeps the description of a breach, while there is room.
    pub(crate) fn finding(&self, describe: impl FnOnce() -> String) {
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        if findings.len() < FINDINGS_KEPT {
            findings.push(describe());
        }
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
