//! What one viewer has seen of its event.
//!
//! Pure rules. Invariant: on one connection every change that it sees follows the one before it by one seat, and none is
//! seen twice on all of its connections.

use crate::feed::board::What;

/// How a change fits to the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It follows.
    Next,
    /// It does not follow: one is missing, or they came out of order.
    Jump,
    /// It was seen before.
    Repeat,
}

#[derive(Debug, Default)]
pub(super) struct Eye {
    /// Free seats by the newest change of this connection; absent before its first.
    last: Option<i64>,
    /// One bit per change of the board.
    seen: Vec<u64>,
    count: u64,
    /// It has watched from before the first change, without a break.
    whole: bool,
    open: bool,
}

impl Eye {
    /// A connection watches. `untouched`: all of these seats are free as yet, so nothing can be missed.
    pub(super) fn opens(&mut self, untouched: Option<i64>) {
        self.open = true;
        self.whole = untouched.is_some();
        self.last = untouched;
    }

    /// The connection is gone; what happens from here on may be missed.
    pub(super) fn closes(&mut self) {
        self.open = false;
        self.whole = false;
    }

    pub(super) fn see(&mut self, index: usize, what: What, available: i64) -> Sight {
        let (word, bit) = (index / 64, 1 << (index % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit != 0 {
            return Sight::Repeat;
        }
        self.seen[word] |= bit;
        self.count += 1;
        let follows = self.last.is_none_or(|last| last + what.step() == available);
        self.last = Some(available);
        if follows { Sight::Next } else { Sight::Jump }
    }

    /// Committed changes that this viewer should have seen and has not, where `made` were made and `left` seats are free.
    /// Whoever was away is owed no more than the last state.
    pub(super) fn lacks(&self, made: u64, left: i64) -> u64 {
        match (self.whole, self.open) {
            (true, _) => made.saturating_sub(self.count),
            (false, true) => u64::from(self.last.is_some_and(|last| last != left)),
            (false, false) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_from_the_start_notices_whatever_is_missing_repeated_or_swapped() {
        let mut eye = Eye::default();
        eye.opens(Some(10));
        assert_eq!(eye.see(0, What::Created, 9), Sight::Next);
        assert_eq!(eye.see(0, What::Created, 9), Sight::Repeat);
        assert_eq!(eye.see(4, What::Created, 7), Sight::Jump);
        assert_eq!(eye.see(5, What::Cancelled, 8), Sight::Next);
        assert_eq!((eye.lacks(3, 8), eye.lacks(4, 8)), (0, 1));
        assert_eq!(eye.see(200, What::Created, 7), Sight::Next);
    }

    #[test]
    fn a_viewer_that_was_away_is_owed_the_last_state_alone() {
        let mut eye = Eye::default();
        eye.opens(Some(10));
        eye.see(0, What::Created, 9);
        eye.closes();
        assert_eq!(eye.lacks(5, 5), 0, "it is away");
        eye.opens(None);
        assert_eq!(eye.lacks(5, 5), 0, "nothing has happened since");
        assert_eq!(eye.see(8, What::Created, 4), Sight::Next, "whatever it begins with");
        assert_eq!((eye.lacks(6, 4), eye.lacks(7, 3)), (0, 1));
    }
}
