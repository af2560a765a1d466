//! The judge: one room's ledger and its members' seats, shared by the clients that sit there and by the audit.
//!
//! Locks are short, never held across an await, and never nested: first the ledger, then the seat. (`settled` and
//! the audit hold a ledger while they look at seats; no client ever waits for a ledger while holding a seat.)

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    judge::ledger::{Ledger, Witness},
    judge::seat::{Breaches, Numbers, Seat, Step},
    measure::tally::Tally,
    wire::dialect::Change,
    wire::message::Heard,
};

pub(crate) type SharedSeat = Arc<Mutex<Seat>>;

/// A room of this run.
pub(crate) struct Room {
    /// As clients write it.
    pub(crate) name: String,
    /// The server numbers its messages: order is judged. Otherwise the ledger numbers them as it hears of them.
    numbered: bool,
    ledger: Mutex<Ledger>,
    /// Users with their seats.
    pub(crate) seats: Vec<(usize, SharedSeat)>,
}

impl Room {
    pub(crate) fn new(name: String, numbered: bool) -> Self {
        Self { name, numbered, ledger: Mutex::default(), seats: Vec::new() }
    }

    pub(crate) fn admit(&mut self, user: usize, numbers: Numbers) {
        self.seats.push((user, Arc::new(Mutex::new(Seat::new(numbers)))));
    }

    pub(crate) fn seat_of(&self, user: usize) -> SharedSeat {
        let seat = self.seats.iter().find(|(member, _)| *member == user);
        Arc::clone(&seat.expect("every user is admitted to their rooms before the clients start").1)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message with the number by which it is judged.
    pub(crate) fn number(&self, heard: Heard) -> Heard {
        match heard.author {
            Some(author) if !self.numbered => Heard { seq: self.ledger().number(author), ..heard },
            Some(_) | None => heard,
        }
    }

    /// Whether what the server says of positions counts.
    pub(crate) fn is_numbered(&self) -> bool {
        self.numbered
    }

    /// Compares what one member heard with what all others heard.
    pub(crate) fn witness(&self, user: usize, heard: &Heard, epoch: Option<u64>, tally: &Tally) {
        let told = self.ledger().witness(heard, epoch);
        self.count_testimony(user, heard, &told, tally);
    }

    /// Compares a change that one member heard live with what all others heard, and with what was asked for.
    pub(crate) fn witness_change(
        &self,
        user: usize,
        heard: &Heard,
        epoch: u64,
        change: Change,
        tally: &Tally,
    ) {
        let told = self.ledger().witness_change(heard, epoch, change);
        self.count_testimony(user, heard, &told, tally);
    }

    fn count_testimony(&self, user: usize, heard: &Heard, told: &Witness, tally: &Tally) {
        match told {
            Witness::New | Witness::Agreed => {}
            Witness::Doubled { first } => {
                tally.repeated.add(1);
                tally.finding(|| {
                    format!("{}: one client id stands at {first} and at {}", self.name, heard.seq)
                });
            }
            Witness::Contradicted => {
                tally.disordered.add(1);
                tally.finding(|| {
                    format!("{}: user {user} heard another message at {} than others", self.name, heard.seq)
                });
            }
            Witness::Unasked => {
                tally.disordered.add(1);
                tally.finding(|| {
                    format!(
                        "{}: user {user} heard at {} of a change that nobody asked for",
                        self.name, heard.seq
                    )
                });
            }
        }
    }

    /// Counts how a live message fitted. True if the member did not have it before.
    pub(crate) fn count_step(&self, user: usize, seq: u64, step: &Step, tally: &Tally) -> bool {
        let (counter, what) = match step {
            Step::Next | Step::Skip => return true,
            Step::Gap | Step::Late if !self.numbered => return true,
            Step::Gap => (&tally.gaps, "with a gap before it"),
            Step::Late => (&tally.disordered, "after a later one"),
            Step::Repeat => (&tally.repeated, "a second time"),
        };
        counter.add(1);
        tally.finding(|| format!("{}: user {user} heard {seq} {what}", self.name));
        *step != Step::Repeat
    }

    /// Counts what a rejoin or a resync brought to light.
    pub(crate) fn count_breaches(&self, user: usize, when: &str, breaches: &Breaches, tally: &Tally) {
        if *breaches == Breaches::default() {
            return;
        }
        tally.gaps.add(breaches.gaps);
        tally.repeated.add(breaches.repeated);
        tally.disordered.add(breaches.disordered);
        tally.finding(|| format!("{}: user {user} at a {when}: {breaches:?}", self.name));
    }

    /// Whether every member has everything that anybody has, without an open hole.
    pub(crate) fn settled(&self) -> bool {
        let ledger = self.ledger();
        self.seats.iter().all(|(_, seat)| {
            let seat = lock(seat);
            seat.complete(&ledger) && seat.holes().is_empty()
        })
    }
}

pub(crate) fn lock(seat: &SharedSeat) -> MutexGuard<'_, Seat> {
    seat.lock().unwrap_or_else(PoisonError::into_inner)
}
