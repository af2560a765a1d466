//! The open-model schedule: when each message *should* leave, whatever happened to the ones before it.
//!
//! Owns the arithmetic only. Invariant: the k-th message of all senders together is due at k / rate after the start;
//! times are computed from k, never summed up, so there is no drift.

use std::time::Duration;

use tokio::time::Instant;

/// One sender's share of the common schedule: messages `index`, `index + senders`, `index + 2 · senders`, …
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    start: Instant,
    rate: f64,
    senders: u64,
    position: u64,
}

impl Schedule {
    pub(crate) fn new(start: Instant, rate: f64, senders: usize, index: usize) -> Self {
        Self { start, rate, senders: senders as u64, position: index as u64 }
    }

    /// When the next message is due.
    pub(crate) fn due(&self) -> Instant {
        self.start + offset(self.position, self.rate)
    }

    /// Takes the next message and says when it was due.
    pub(crate) fn take(&mut self) -> Instant {
        let due = self.due();
        self.position += self.senders;
        due
    }
}

/// How many messages of all senders are due before `span` has passed.
pub(crate) fn due_before(span: Duration, rate: f64) -> u64 {
    let guess = (span.as_secs_f64() * rate) as u64;
    // The float may be off by one in either direction; ask the schedule itself.
    let first = guess.saturating_sub(2);
    (first..).find(|k| offset(*k, rate) >= span).unwrap_or(first)
}

fn offset(position: u64, rate: f64) -> Duration {
    Duration::from_secs_f64(position as f64 / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_share_the_rate_evenly_and_without_drift() {
        let start = Instant::now();
        let mut due: Vec<Instant> = Vec::new();
        for index in 0..3 {
            let mut schedule = Schedule::new(start, 30.0, 3, index);
            due.extend((0..1000).map(|_| schedule.take()));
        }
        due.sort();
        for (k, moment) in due.iter().enumerate() {
            assert_eq!(*moment - start, Duration::from_secs_f64(k as f64 / 30.0));
        }
    }

    #[test]
    fn the_number_of_due_messages_agrees_with_the_schedule() {
        for (rate, milliseconds) in
            [(30.0, 1000), (7.3, 12_345), (500.0, 0), (1000.0, 1), (25.0, 39), (25.0, 41)]
        {
            let span = Duration::from_millis(milliseconds);
            let mut schedule = Schedule::new(Instant::now(), rate, 1, 0);
            let start = schedule.start;
            let mut counted = 0;
            while schedule.take() < start + span {
                counted += 1;
            }
            assert_eq!(due_before(span, rate), counted, "{rate}/s for {milliseconds} ms");
        }
    }
}
