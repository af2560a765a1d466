//! One member's place in one room: what they have, and whether it came in order.
//!
//! Pure rules, no I/O. Invariant: `last` only rises; within an epoch every number between the baseline and `last` is
//! received, lies in a named hole (the server admitted it and the history fills it), or is a breach that was counted.
//! Where messages are changed not every number is a message: members whose dialect does not tell of changes step over
//! their numbers, and whether a message was among those is found out at the end.

use crate::{judge::ledger::Ledger, judge::ranges::Ranges};

/// A stretch that the server did not replay and that the history must fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole {
    /// The last number known before it.
    pub(crate) after: u64,
    /// The last number inside it.
    pub(crate) upto: u64,
    /// An epoch began inside it, or it may hold changes, so that not every number need be in the history.
    pub(crate) sparse: bool,
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
    /// One or more before it are not told of in this member's dialect.
    Skip,
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

/// What numbers mean to a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Every number is a message.
    #[default]
    Messages,
    /// Messages and their changes, and the member hears of both.
    Told,
    /// Messages and their changes, and the member hears of messages alone.
    Untold,
}

#[derive(Debug, Default)]
pub(crate) struct Seat {
    numbers: Numbers,
    /// The room's newest number at the first join; absent before it.
    baseline: Option<u64>,
    epoch: u64,
    last: u64,
    received: Ranges,
    holes: Vec<Hole>,
    /// Everything that epoch changes may have hidden: read once more at the end, when the history is whole.
    crossed: Option<(u64, u64)>,
    /// Sparse holes that were filled as far as was known then.
    shut: Vec<Hole>,
    /// The member is gone for good; what comes after its last number is nothing to it.
    gone: bool,
}

impl Seat {
    pub(crate) fn new(numbers: Numbers) -> Self {
        Self { numbers, ..Self::default() }
    }

    /// The member leaves and does not come back.
    pub(crate) fn leave(&mut self) {
        self.gone = true;
    }

    /// The member is there again after all.
    pub(crate) fn come_back(&mut self) {
        self.gone = false;
    }

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
            _ if seq > self.last && self.numbers == Numbers::Untold => Step::Skip,
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
            if self.last < answer.seq && !new_epoch && self.numbers != Numbers::Untold {
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
                Step::Next | Step::Skip => {}
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
        let sparse = across_epochs || self.numbers != Numbers::Messages;
        self.holes.push(Hole { after, upto: self.last, sparse, walked: false });
        if across_epochs {
            let (lowest, highest) = self.crossed.unwrap_or((after, self.last));
            self.crossed = Some((lowest.min(after), highest.max(self.last)));
        }
    }

    /// Opens what epoch changes may have hidden once more, and what others have told of since a hole was filled, to be
    /// read from the finished history. True if there was anything to open.
    pub(crate) fn sweep(&mut self, ledger: &Ledger) -> bool {
        let crossed = self.crossed.take();
        let hole = crossed.map(|(after, upto)| Hole { after, upto, sparse: true, walked: false });
        let shut = std::mem::take(&mut self.shut);
        let received = &self.received;
        let lacking =
            |hole: &Hole| ledger.expected(hole.after + 1, hole.upto).any(|(seq, _)| !received.contains(seq));
        let again = shut.into_iter().filter(lacking).map(|hole| Hole { walked: false, ..hole });
        let opened: Vec<Hole> = again.chain(hole).collect();
        self.holes.extend(&opened);
        !opened.is_empty()
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
        let whole = |hole: &Hole| received.covers(hole.after + 1, hole.upto);
        let known = |hole: &Hole| {
            let mut expected = ledger.expected(hole.after + 1, hole.upto);
            hole.sparse && hole.walked && expected.all(|(seq, _)| received.contains(seq))
        };
        let shut = self.holes.iter().filter(|hole| !whole(hole) && known(hole)).copied();
        self.shut.extend(shut.filter(|_| self.numbers != Numbers::Messages));
        self.holes.retain(|hole| !whole(hole) && !known(hole));
    }

    /// Whether this member must have the message at `seq` and does not.
    pub(crate) fn lacks(&self, seq: u64) -> bool {
        let concerns =
            self.baseline.is_some_and(|baseline| seq > baseline) && !(self.gone && seq > self.last);
        concerns && !self.received.contains(seq)
    }

    /// Whether this member has everything that anybody has and that it must have.
    pub(crate) fn complete(&self, ledger: &Ledger) -> bool {
        // Who never came, and will not any more, misses nothing.
        let Some(baseline) = self.baseline else { return self.gone };
        if self.received.len() >= ledger.count_above(baseline) {
            return true;
        }
        let must_have_all = self.numbers == Numbers::Messages && !self.gone;
        !must_have_all && ledger.expected(baseline + 1, u64::MAX).all(|(seq, _)| !self.lacks(seq))
    }
}

#[cfg(test)]
mod tests;
