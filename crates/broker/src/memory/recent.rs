//! The client ids accepted lately, with what became of them. Bounded by age and by number.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use domain::ports::Published;
use domain::words::{ClientId, Draft, RoomId, UserId};
use tokio::time::Instant;

/// What deduplication compares, part by part: no user id can look like another one joined to a client id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    room: RoomId,
    user: UserId,
    client: ClientId,
}

impl Name {
    /// The draft's name, if its sender gave it one.
    pub(super) fn of(draft: &Draft) -> Option<Self> {
        let client = draft.client_id.clone()?;
        Some(Self { room: draft.room.clone(), user: draft.author.user.clone(), client })
    }
}

/// The memory of one shard.
pub(super) struct Recent {
    window: Duration,
    names: usize,
    known: HashMap<Name, Published, ahash::RandomState>,
    // Oldest first; every known name is in it once.
    order: VecDeque<(Instant, Name)>,
}

impl Recent {
    pub(super) fn new(window: Duration, names: usize) -> Self {
        Self { window, names, known: HashMap::default(), order: VecDeque::new() }
    }

    /// What became of the first draft of that name within the window.
    pub(super) fn find(&mut self, name: &Name, now: Instant) -> Option<Published> {
        self.expire(now);
        self.known.get(name).map(|first| Published { repeated: true, ..*first })
    }

    /// Remembers a name that is not known.
    pub(super) fn remember(&mut self, name: Name, published: Published, now: Instant) {
        self.order.push_back((now, name.clone()));
        self.known.insert(name, published);
        self.expire(now);
    }

    fn expire(&mut self, now: Instant) {
        while let Some((accepted, _)) = self.order.front() {
            if self.order.len() <= self.names && now.duration_since(*accepted) < self.window {
                return;
            }
            if let Some((_, name)) = self.order.pop_front() {
                self.known.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::words::{MessageId, Position};

    const WINDOW: Duration = Duration::from_secs(60);

    fn name(client: &str) -> Name {
        Name {
            room: RoomId::parse("room:a").unwrap(),
            user: UserId::text("anna").unwrap(),
            client: ClientId::parse(client).unwrap(),
        }
    }

    fn published(seq: u64) -> Published {
        Published { position: Position { epoch: 1, seq }, id: MessageId::new(), repeated: false }
    }

    #[test]
    fn a_name_is_known_for_the_window_and_then_free() {
        let (mut recent, start) = (Recent::new(WINDOW, 10), Instant::now());
        let first = published(1);
        recent.remember(name("c"), first, start);
        let known = recent.find(&name("c"), start + WINDOW - Duration::from_millis(1));
        assert_eq!(known, Some(Published { repeated: true, ..first }));
        assert_eq!(recent.find(&name("c"), start + WINDOW), None);
        assert!(recent.known.is_empty() && recent.order.is_empty());
    }

    #[test]
    fn beyond_the_number_the_oldest_name_goes() {
        let (mut recent, now) = (Recent::new(WINDOW, 2), Instant::now());
        for (seq, client) in (1..).zip(["a", "b", "c"]) {
            recent.remember(name(client), published(seq), now);
        }
        assert_eq!(recent.find(&name("a"), now), None);
        assert!(recent.find(&name("b"), now).is_some() && recent.find(&name("c"), now).is_some());
    }
}
