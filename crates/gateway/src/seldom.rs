//! Things that a flood would say a thousand times a second, said once a second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The least time between two times.
const PAUSE: Duration = Duration::from_secs(1);

/// When it was last said.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether it may be said again; then it counts as said.
    pub(crate) fn may(&self) -> bool {
        let (mut last, now) = (self.0.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        let due = last.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if due {
            *last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_said_at_once_and_then_once_a_second() {
        let seldom = Seldom::default();
        assert!(seldom.may());
        assert!((0..100).all(|_| !seldom.may()));
        tokio::time::advance(PAUSE).await;
        assert!(seldom.may());
        assert!(!seldom.may());
    }
}
