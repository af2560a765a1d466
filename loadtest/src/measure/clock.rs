//! One time line for a run: Unix microseconds that never run backwards, so that a stamp inside a message can be
//! compared by whoever receives it, in this process or in another on the same machine.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
    origin_unix: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { origin: Instant::now(), origin_unix: micros(unix) }
    }

    /// When it was started, in Unix seconds.
    pub(crate) fn began(&self) -> f64 {
        self.origin_unix as f64 / 1e6
    }

    pub(crate) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    pub(crate) fn at(&self, moment: Instant) -> u64 {
        self.origin_unix + micros(moment.saturating_duration_since(self.origin))
    }
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
