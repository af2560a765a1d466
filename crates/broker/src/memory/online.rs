//! Connection slots, and who is online by them. Pure: the clock is handed in.
//!
//! Invariants: a user is known here exactly while they are online: with a slot, or within their grace; and is present
//! exactly while they have a slot.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use domain::ports::{Admission, Attendee};
use domain::words::{Author, ConnectionId, NodeId, UserId};
use tokio::time::Instant;

struct Person {
    author: Author,
    // Oldest first.
    slots: Vec<(ConnectionId, NodeId)>,
    // Their place among those present. Means nothing without a slot.
    came: u64,
}

/// Those with a slot, in the order in which they came.
#[derive(Default)]
struct Present {
    users: BTreeMap<u64, UserId>,
    arrivals: u64,
}

impl Present {
    fn arrive(&mut self, user: &UserId) -> u64 {
        self.arrivals += 1;
        self.users.insert(self.arrivals, user.clone());
        self.arrivals
    }
}

/// Everybody's slots.
#[derive(Default)]
pub(super) struct Online {
    people: HashMap<UserId, Person, ahash::RandomState>,
    // When the grace of those without a slot is over.
    leaving: HashMap<UserId, Instant, ahash::RandomState>,
    present: Present,
    // Slots of all.
    connections: u64,
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
            let came = self.present.arrive(&who.user);
            let person = Person { author: who.clone(), slots: vec![slot], came };
            self.people.insert(who.user.clone(), person);
            self.connections += 1;
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
        if self.leaving.remove(&who.user).is_some() {
            person.came = self.present.arrive(&who.user);
        }
        slots.push(slot);
        if full {
            return Admission::Replaces(slots.remove(0).0);
        }
        self.connections += 1;
        Admission::Admitted { first: false }
    }

    /// Whether it was the user's last slot; their grace ends at `leaves`.
    pub(super) fn release(&mut self, user: &UserId, connection: ConnectionId, leaves: Instant) -> bool {
        let Some(person) = self.people.get_mut(user) else { return false };
        let held = person.slots.len();
        person.slots.retain(|(held, _)| *held != connection);
        self.connections -= (held - person.slots.len()) as u64;
        let last = person.slots.is_empty() && held > 0;
        if last {
            self.present.users.remove(&person.came);
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
            self.connections -= (held - person.slots.len()) as u64;
            if person.slots.is_empty() && held > 0 {
                self.present.users.remove(&person.came);
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

    /// Slots of all.
    pub(super) fn connections(&self) -> u64 {
        self.connections
    }

    /// Users with a slot.
    pub(super) fn users(&self) -> u64 {
        self.present.users.len() as u64
    }

    /// The users with a slot who came last, newest first.
    pub(super) fn newest(&self, limit: usize) -> Vec<Attendee> {
        let newest = self.present.users.values().rev().take(limit);
        let people = newest.filter_map(|user| self.people.get(user));
        let attendee =
            |person: &Person| Attendee { who: person.author.clone(), connections: person.slots.len() as u64 };
        people.map(attendee).collect()
    }

    pub(super) fn connections_of(&self, user: &UserId) -> u64 {
        self.people.get(user).map_or(0, |person| person.slots.len() as u64)
    }

    /// The slots of each node that has any.
    pub(super) fn by_node(&self) -> HashMap<&NodeId, u64> {
        let mut counts = HashMap::new();
        for (_, node) in self.people.values().flat_map(|person| &person.slots) {
            *counts.entry(node).or_default() += 1;
        }
        counts
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
            && self.leaving.is_empty()
            && self.present.users.is_empty()
            && self.connections == 0
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
