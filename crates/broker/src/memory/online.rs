//! Connection slots, and who is online by them. Pure: the clock is handed in.
//!
//! Invariant: a user is known here exactly while they are online: with a slot, or within their grace.

use std::collections::HashMap;
use std::time::Duration;

use domain::ports::Admission;
use domain::words::{Author, ConnectionId, NodeId, UserId};
use tokio::time::Instant;

struct Person {
    author: Author,
    // Oldest first.
    slots: Vec<(ConnectionId, NodeId)>,
}

/// Everybody's slots.
#[derive(Default)]
pub(super) struct Online {
    people: HashMap<UserId, Person, ahash::RandomState>,
    // When the grace of those without a slot is over.
    leaving: HashMap<UserId, Instant, ahash::RandomState>,
}

impl Online {
    /// `(limit, replace_oldest)` as the port has them.
    pub(super) fn admit(
        &mut self,
        node: &NodeId,
        who: &Author,
        connection: ConnectionId,
        (limit, replace_oldest): (usize, bool),
    ) -> Admission {
        let slot = (connection, node.clone());
        let Some(person) = self.people.get_mut(&who.user) else {
            let person = Person { author: who.clone(), slots: vec![slot] };
            self.people.insert(who.user.clone(), person);
            return Admission::Admitted { first: true };
        };
        let slots = &mut person.slots;
        if slots.iter().any(|(held, _)| *held == connection) {
            return Admission::Admitted { first: false };
        }
        let full = limit > 0 && slots.len() >= limit;
        if full && !replace_oldest {
            return Admission::Refused;
        }
        person.author = who.clone();
        self.leaving.remove(&who.user);
        slots.push(slot);
        if full { Admission::Replaces(slots.remove(0).0) } else { Admission::Admitted { first: false } }
    }

    /// Whether it was the user's last slot; their grace ends at `leaves`.
    pub(super) fn release(&mut self, user: &UserId, connection: ConnectionId, leaves: Instant) -> bool {
        let Some(person) = self.people.get_mut(user) else { return false };
        let held = person.slots.len();
        person.slots.retain(|(held, _)| *held != connection);
        let last = person.slots.is_empty() && held > 0;
        if last {
            self.leaving.insert(user.clone(), leaves);
        }
        last
    }

    pub(super) fn contains(&self, user: &UserId) -> bool {
        self.people.contains_key(user)
    }

    /// Takes a node's slots away. Users without another one leave at `leaves`.
    pub(super) fn retire(&mut self, node: &NodeId, leaves: Instant) {
        for (user, person) in &mut self.people {
            let held = person.slots.len();
            person.slots.retain(|(_, holder)| holder != node);
            if person.slots.is_empty() && held > 0 {
                self.leaving.insert(user.clone(), leaves);
            }
        }
    }

    /// Forgets everybody whose grace is over.
    pub(super) fn sweep(&mut self, now: Instant) -> Vec<Author> {
        let people = &mut self.people;
        let gone = self.leaving.extract_if(|_, leaves| *leaves <= now);
        gone.filter_map(|(user, _)| people.remove(&user)).map(|person| person.author).collect()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty() && self.leaving.is_empty()
    }
}

/// When a grace that begins now is over; one beyond the clock's reach is never over.
pub(super) fn leaves(now: Instant, grace: Duration) -> Instant {
    const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    now + grace.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(3);
    const ANY: (usize, bool) = (0, false);

    fn anna() -> Author {
        Author { user: UserId::text("anna").unwrap(), name: None }
    }

    #[test]
    fn a_grace_lasts_until_the_very_instant_it_is_over_and_leaves_nothing() {
        let (mut online, node, start) = (Online::default(), NodeId::boot("a"), Instant::now());
        let connection = ConnectionId::new();
        assert_eq!(online.admit(&node, &anna(), connection, ANY), Admission::Admitted { first: true });
        assert!(online.release(&anna().user, connection, leaves(start, GRACE)));
        assert_eq!(online.sweep(start + GRACE - Duration::from_millis(1)), []);
        assert!(online.contains(&anna().user));
        assert_eq!(online.sweep(start + GRACE), [anna()]);
        assert!(online.is_empty());
    }

    #[test]
    fn whoever_comes_back_is_not_found_however_late_the_sweep() {
        let (mut online, node, start) = (Online::default(), NodeId::boot("a"), Instant::now());
        let [first, second] = std::array::from_fn(|_| ConnectionId::new());
        online.admit(&node, &anna(), first, ANY);
        online.release(&anna().user, first, start);
        assert_eq!(online.admit(&node, &anna(), second, ANY), Admission::Admitted { first: false });
        assert_eq!(online.sweep(start + GRACE), []);
    }
}
