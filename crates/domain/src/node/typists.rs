//! Who is shown as writing, per room. Every start carries its own end, so that nobody writes for ever, not even after
//! the node that they wrote through is gone.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::words::{Author, RoomId, UserId};

/// A start that is repeated sooner is not shown again.
const SHOWN_AGAIN: Duration = Duration::from_secs(2);

struct Writing {
    who: Author,
    shown_at: Instant,
    until: Instant,
}

type Writers = HashMap<(RoomId, UserId), Writing, RandomState>;

/// The writers that this node's members see.
pub(super) struct Typists {
    lasts: Duration,
    // Bounded by the users who began to write within `lasts` in rooms of this node. Held for a look, never across an await.
    writers: Mutex<Writers>,
    begun: Notify,
}

impl Typists {
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, writers: Mutex::default(), begun: Notify::new() }
    }

    fn writers(&self) -> MutexGuard<'_, Writers> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a start or a stop. Says whether it is news to the room.
    pub(super) fn note(&self, room: &RoomId, who: &Author, active: bool) -> bool {
        let (now, key) = (Instant::now(), (room.clone(), who.user.clone()));
        let mut writers = self.writers();
        if !active {
            return writers.remove(&key).is_some();
        }
        let until = now + self.lasts;
        if let Some(writing) = writers.get_mut(&key) {
            writing.until = until;
            let again = now - writing.shown_at >= SHOWN_AGAIN;
            if again {
                writing.shown_at = now;
            }
            return again;
        }
        writers.insert(key, Writing { who: who.clone(), shown_at: now, until });
        self.begun.notify_one();
        true
    }

    /// Waits until somebody has not begun again in time, and returns all of them.
    pub(super) async fn expired(&self) -> Vec<(RoomId, Author)> {
        loop {
            let next = self.writers().values().map(|writing| writing.until).min();
            match next {
                Some(next) => sleep_until(next).await,
                None => self.begun.notified().await,
            }
            let now = Instant::now();
            let gone: Vec<_> = self.writers().extract_if(|_, writing| writing.until <= now).collect();
            if !gone.is_empty() {
                return gone.into_iter().map(|((room, _), writing)| (room, writing.who)).collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Author {
        Author { user: UserId::text("ann").unwrap(), name: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_ends_by_itself_and_a_later_start_moves_the_end() {
        let (typists, room) = (Typists::new(Duration::from_secs(6)), RoomId::parse("chat:a").unwrap());
        let start = Instant::now();
        assert!(typists.note(&room, &ann(), true));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!typists.note(&room, &ann(), true), "no news");
        assert_eq!(typists.expired().await, [(room.clone(), ann())]);
        assert_eq!(start.elapsed(), Duration::from_secs(7));
        assert!(!typists.note(&room, &ann(), false), "the stop was told already");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_is_news_once() {
        let (typists, room) = (Typists::new(Duration::from_secs(6)), RoomId::parse("chat:a").unwrap());
        assert!(!typists.note(&room, &ann(), false));
        assert!(typists.note(&room, &ann(), true));
        assert!(typists.note(&room, &ann(), false));
        assert!(!typists.note(&room, &ann(), false));
    }
}
