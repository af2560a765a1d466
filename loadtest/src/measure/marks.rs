//! Moments worth a vertical line in a plot: phases, faults, what somebody did to the servers.
//!
//! Owns keeping them in order of time. At most `KEPT` are kept; what comes later is counted in nobody's figures, so
//! it is left out silently.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

const KEPT: usize = 1_000;
/// The same mark by several processes within this many seconds is one mark.
const TOGETHER: f64 = 1.5;

/// One moment of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Seconds since the run began.
    pub at: f64,
    /// What sort of moment: `phase`, `fault`, …
    pub kind: String,
    /// What happened, in a few words.
    pub label: String,
}

/// The marks of a run under way.
#[derive(Debug)]
pub(crate) struct Marks {
    began: Instant,
    kept: Mutex<Vec<Mark>>,
}

impl Marks {
    /// Times are counted from here.
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), kept: Mutex::default() }
    }

    /// From when times are counted.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Something happens now.
    pub(crate) fn add(&self, kind: &str, label: impl Into<String>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            let at = self.began.elapsed().as_secs_f64();
            kept.push(Mark { at, kind: kind.into(), label: label.into() });
        }
    }

    /// The latest.
    pub(crate) fn last(&self) -> Option<Mark> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    pub(crate) fn read(&self) -> Vec<Mark> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Marks of two processes whose runs began `later` seconds after one another, in order of time.
pub(crate) fn merge(first: Vec<Mark>, second: Vec<Mark>, later: f64) -> Vec<Mark> {
    let mut merged = first;
    for mut mark in second {
        mark.at += later;
        let same = |kept: &Mark| {
            kept.kind == mark.kind && kept.label == mark.label && (kept.at - mark.at).abs() < TOGETHER
        };
        if !merged.iter().any(same) {
            merged.push(mark);
        }
    }
    merged.sort_by(|one, other| one.at.total_cmp(&other.at));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: f64, label: &str) -> Mark {
        Mark { at, kind: "phase".into(), label: label.into() }
    }

    #[test]
    fn what_two_processes_mark_together_is_one_mark() {
        let merged = merge(
            vec![mark(1.0, "send"), mark(9.0, "settle")],
            vec![mark(0.6, "send"), mark(4.0, "storm"), mark(40.0, "settle")],
            0.5,
        );
        let read: Vec<(f64, &str)> = merged.iter().map(|mark| (mark.at, mark.label.as_str())).collect();
        assert_eq!(read, [(1.0, "send"), (4.5, "storm"), (9.0, "settle"), (40.5, "settle")]);
    }
}
