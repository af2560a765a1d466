//! Where a durable event stands in its room.

use std::fmt;

/// A place in a room's one order. Ordered by epoch, then seq; within an epoch numbers rise by
/// exactly one, and an epoch begins above every number ever issued before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Which unbroken memory of the broker numbered it; at least 1.
    pub epoch: u64,
    /// The number; 0 stands before the first event.
    pub seq: u64,
}

impl Position {
    /// Before the first event of a room that nothing ever happened in.
    pub const START: Self = Self { epoch: 1, seq: 0 };

    /// The place directly behind this one in the same epoch.
    pub fn next(self) -> Self {
        Self { epoch: self.epoch, seq: self.seq + 1 }
    }

    /// The place directly before this one in the same epoch.
    pub fn previous(self) -> Self {
        Self { epoch: self.epoch, seq: self.seq.saturating_sub(1) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}
