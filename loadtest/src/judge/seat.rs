//! One member's place in one room: what they have, and whether it came in order.
//!
//! Pure rules, no I/O. Invariant: `last` only rises; within an epoch every number between the baseline and `last` is
//! received, lies in a named hole (the server admitted it and the history fills it), or is a breach that was counted.

use crate::{judge::ledger::Ledger, judge::ranges::Ranges};

/// A stretch that the server did not replay and that the history must fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole {
    /// The last number known before it.
    pub(crate) after: u64,
    /// The last number inside it.
    pub(crate) upto: u64,
    /// An epoch began inside it, so not every number need exist.
    pub(crate) across_epochs: bool,
    /// The history was read through it at least once.
    pub(crate) walked: bool,
}

/// How a live message fits to the ones before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The very next one.
    Next,
    /// One or more before it are missing: a breach.
    Gap,
    /// Older than the newest, and not received before: a breach of order.
    Late,
    /// Received before.
    Repeat,
}

/// Breaches found while a rejoin was merged.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaches {
    pub(crate) gaps: u64,
    pub(crate) repeated: u64,
    pub(crate) disordered: u64,
}

/// The server's answer to a rejoin, without the messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejoined {
    pub(crate) seq: u64,
    pub(crate) epoch: u64,
    pub(crate) recovered: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Seat {
    /// The room's newest number at the first join; absent before it.
    baseline: Option<u64>,
    epoch: u64,
    last: u64,
    received: Ranges,
    holes: Vec<Hole>,
    /// Everything that epoch changes may have hidden: read once more at the end, when the history is whole.
    crossed: Option<(u64, u64)>,
}

impl Seat {
    /// Takes the seat: everything above `seq` is expected from now on.
    pub(crate) fn take(&mut self, seq: u64, epoch: u64) {
        self.baseline = Some(seq);
        self.last = seq;
        self.epoch = epoch;
    }

    pub(crate) fn taken(&self) -> bool {
        self.baseline.is_some()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Where to resume: `(since, epoch)`; absent before the first join.
    pub(crate) fn resume(&self) -> Option<(u64, u64)> {
        self.taken().then_some((self.last, self.epoch))
    }

    /// How a message would fit, without taking it.
    pub(crate) fn judge(&self, seq: u64) -> Step {
        match seq {
            _ if seq == self.last + 1 => Step::Next,
            _ if seq > self.last => Step::Gap,
            _ if self.received.contains(seq) => Step::Repeat,
            _ => Step::Late,
        }
    }

    /// Takes a live message.
    pub(crate) fn live(&mut self, seq: u64) -> Step {
        let step = self.judge(seq);
        self.received.insert(seq);
        self.last = self.last.max(seq);
        step
    }

    /// Takes a message out of a page; false if it was there already, which is no breach.
    pub(crate) fn fill(&mut self, seq: u64) -> bool {
        self.baseline.is_some_and(|baseline| seq > baseline) && self.received.insert(seq)
    }

    /// Merges the answer to a rejoin: `replayed` are the numbers that came with it, in the order they came.
    pub(crate) fn rejoin(&mut self, answer: Rejoined, replayed: &[u64]) -> Breaches {
        let mut breaches = Breaches::default();
        let before = self.last;
        let new_epoch = answer.epoch != self.epoch;
        if answer.epoch < self.epoch || answer.seq < before {
            breaches.disordered += 1;
        }
        if answer.recovered {
            self.replay(replayed, new_epoch, &mut breaches);
            if self.last < answer.seq && !new_epoch {
                breaches.gaps += 1;
            }
        } else {
            breaches.disordered += replayed.windows(2).filter(|pair| pair[0] >= pair[1]).count() as u64;
            for seq in replayed {
                self.fill(*seq);
            }
        }
        self.epoch = self.epoch.max(answer.epoch);
        self.last = self.last.max(answer.seq);
        if !answer.recovered || new_epoch {
            self.open_hole(before, new_epoch);
        }
        breaches
    }

    /// A promised replay: each message the next one; only a new epoch may skip numbers, once.
    fn replay(&mut self, replayed: &[u64], new_epoch: bool, breaches: &mut Breaches) {
        let mut may_skip = new_epoch;
        for seq in replayed {
            match self.live(*seq) {
                Step::Next => {}
                Step::Gap if may_skip => may_skip = false,
                Step::Gap => breaches.gaps += 1,
                Step::Late => breaches.disordered += 1,
                Step::Repeat => breaches.repeated += 1,
            }
        }
    }

    /// A new epoch was announced on the open connection: it continues above `seq`.
    pub(crate) fn resync(&mut self, epoch: u64, seq: u64) -> Breaches {
        let disordered = u64::from(epoch < self.epoch || seq < self.last);
        let before = self.last;
        let across = epoch != self.epoch;
        self.epoch = self.epoch.max(epoch);
        self.last = self.last.max(seq);
        self.open_hole(before, across);
        Breaches { disordered, ..Breaches::default() }
    }

    fn open_hole(&mut self, after: u64, across_epochs: bool) {
        if self.last <= after || self.received.covers(after + 1, self.last) {
            return;
        }
        self.holes.push(Hole { after, upto: self.last, across_epochs, walked: false });
        if across_epochs {
            let (lowest, highest) = self.crossed.unwrap_or((after, self.last));
            self.crossed = Some((lowest.min(after), highest.max(self.last)));
        }
    }

    /// Opens what epoch changes may have hidden once more, to be read from the finished history. True if there was
    /// anything to open.
    pub(crate) fn sweep(&mut self) -> bool {
        let crossed = self.crossed.take();
        let hole = crossed.map(|(after, upto)| Hole { after, upto, across_epochs: true, walked: false });
        self.holes.extend(hole);
        hole.is_some()
    }

    pub(crate) fn holes(&self) -> &[Hole] {
        &self.holes
    }

    /// The history was read from `upto` down to `after`: holes inside count as walked.
    pub(crate) fn walked(&mut self, after: u64, upto: u64) {
        let inside = |hole: &&mut Hole| after <= hole.after && hole.upto <= upto;
        self.holes.iter_mut().filter(inside).for_each(|hole| hole.walked = true);
    }

    /// Forgets the holes that are filled as far as anybody knows.
    pub(crate) fn forget_filled(&mut self, ledger: &Ledger) {
        let received = &self.received;
        let filled = |hole: &Hole| {
            let known = || ledger.entries().range(hole.after + 1..=hole.upto);
            let whole = received.covers(hole.after + 1, hole.upto);
            whole || (hole.across_epochs && hole.walked && known().all(|(seq, _)| received.contains(*seq)))
        };
        self.holes.retain(|hole| !filled(hole));
    }

    /// Whether this member must have the message at `seq` and does not.
    pub(crate) fn lacks(&self, seq: u64) -> bool {
        self.baseline.is_some_and(|baseline| seq > baseline) && !self.received.contains(seq)
    }

    /// Whether this member has everything that anybody has.
    pub(crate) fn complete(&self, ledger: &Ledger) -> bool {
        self.baseline.is_some_and(|baseline| self.received.len() >= ledger.count_above(baseline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::Heard;

    fn seat(last: u64) -> Seat {
        let mut seat = Seat::default();
        seat.take(0, 1);
        (1..=last).for_each(|seq| assert_eq!(seat.live(seq), Step::Next));
        seat
    }

    fn answer(seq: u64, epoch: u64, recovered: bool) -> Rejoined {
        Rejoined { seq, epoch, recovered }
    }

    #[test]
    fn a_dropped_number_a_swap_and_a_repeat_are_told_apart() {
        let mut seat = seat(3);
        assert_eq!(seat.live(5), Step::Gap);
        assert_eq!(seat.live(4), Step::Late);
        assert_eq!(seat.live(4), Step::Repeat);
        assert_eq!(seat.live(6), Step::Next);
    }

    #[test]
    fn a_complete_replay_is_no_breach_and_leaves_no_hole() {
        let mut seat = seat(3);
        assert_eq!(seat.rejoin(answer(5, 1, true), &[4, 5]), Breaches::default());
        assert!(seat.holes().is_empty());
        assert_eq!(seat.live(6), Step::Next);
    }

    #[test]
    fn a_partial_replay_called_complete_is_a_gap() {
        for replayed in [&[4, 6][..], &[5, 6], &[4, 5], &[]] {
            let breaches = seat(3).rejoin(answer(6, 1, true), replayed);
            assert_eq!(breaches.gaps, 1, "{replayed:?}");
        }
    }

    #[test]
    fn a_replay_of_what_was_received_is_a_repeat() {
        assert_eq!(seat(3).rejoin(answer(4, 1, true), &[3, 4]).repeated, 1);
    }

    #[test]
    fn an_unrecovered_join_opens_a_hole_that_the_history_fills() {
        let mut seat = seat(3);
        assert_eq!(seat.rejoin(answer(9, 1, false), &[8, 9]), Breaches::default());
        assert_eq!(seat.holes(), [Hole { after: 3, upto: 9, across_epochs: false, walked: false }]);
        (4..=6).for_each(|seq| assert!(seat.fill(seq)));
        seat.walked(3, 9);
        seat.forget_filled(&Ledger::default());
        assert_eq!(seat.holes().len(), 1, "7 is missing");
        seat.fill(7);
        seat.forget_filled(&Ledger::default());
        assert!(seat.holes().is_empty());
        assert_eq!(seat.live(10), Step::Next);
    }

    #[test]
    fn a_page_that_overlaps_is_no_repeat() {
        let mut seat = seat(3);
        assert_eq!(seat.rejoin(answer(4, 1, false), &[2, 3, 4]), Breaches::default());
        assert!(seat.holes().is_empty());
    }

    #[test]
    fn a_new_epoch_may_skip_numbers_but_not_what_others_have() {
        let mut seat = seat(3);
        assert_eq!(seat.resync(2, 1000), Breaches::default());
        assert_eq!(seat.live(1001), Step::Next);
        let mut ledger = Ledger::default();
        let other = Heard { seq: 4, id: 4, author: None, stamp: None };
        ledger.witness(&other, Some(1));
        seat.walked(3, 1000);
        seat.forget_filled(&ledger);
        assert_eq!(seat.holes().len(), 1, "another member has 4");
        seat.fill(4);
        seat.forget_filled(&ledger);
        assert!(seat.holes().is_empty());
    }

    #[test]
    fn a_position_that_falls_back_is_a_breach() {
        assert_eq!(seat(5).rejoin(answer(3, 1, false), &[]).disordered, 1);
        assert_eq!(seat(5).resync(2, 3).disordered, 1);
        let mut newer = seat(5);
        newer.resync(3, 5);
        assert_eq!(newer.rejoin(answer(6, 2, false), &[]).disordered, 1);
    }

    #[test]
    fn what_was_there_before_the_first_join_is_not_expected() {
        let mut seat = Seat::default();
        seat.take(7, 1);
        assert!(!seat.fill(7) && !seat.lacks(7) && seat.lacks(8));
        assert_eq!(seat.live(8), Step::Next);
    }
}
