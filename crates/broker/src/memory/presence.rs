//! Who is where, and under which node's lease. Pure: the clock is handed in, and whoever calls tells the rooms.
//!
//! Invariant: every seat and slot belongs to a node that is known with a lease, so nothing outlives a dead node.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use domain::ports::{Admission, Census, CensusChange, Lease, NodeStanding, Tally};
use domain::words::{Author, ConnectionId, NodeId, RoomId, UserId};
use tokio::time::Instant;

use super::online::Online;

struct Member {
    author: Author,
    // Every node with a seat of this user in this room; never empty.
    nodes: HashSet<NodeId>,
}

struct Tenure {
    until: Instant,
    // False until the node has renewed: then it is told that its seats may be gone.
    renewed: bool,
    seats: HashSet<(RoomId, UserId)>,
}

/// All seats, slots and leases.
pub(super) struct Seating {
    lease: Duration,
    // By text of the user id, so that a list of members has an order. A room without members is not in it.
    rooms: HashMap<RoomId, BTreeMap<String, Member>, ahash::RandomState>,
    pub(super) online: Online,
    nodes: HashMap<NodeId, Tenure>,
}

impl Seating {
    pub(super) fn new(lease: Duration) -> Self {
        Self { lease, rooms: HashMap::default(), online: Online::default(), nodes: HashMap::new() }
    }

    pub(super) fn enter(&mut self, node: &NodeId, room: &RoomId, who: &Author, now: Instant) -> Census {
        self.tenure(node, now).seats.insert((room.clone(), who.user.clone()));
        let members = self.rooms.entry(room.clone()).or_default();
        let member = members
            .entry(who.user.as_str().to_owned())
            .or_insert_with(|| Member { author: who.clone(), nodes: HashSet::new() });
        let edge = member.nodes.is_empty();
        member.author = who.clone();
        member.nodes.insert(node.clone());
        Census { edge, count: members.len() as u64 }
    }

    /// What is to be told where it was the user's last seat, and the distinct users left in the room.
    pub(super) fn leave(
        &mut self,
        node: &NodeId,
        room: &RoomId,
        user: &UserId,
    ) -> (Option<CensusChange>, u64) {
        if let Some(tenure) = self.nodes.get_mut(node) {
            tenure.seats.remove(&(room.clone(), user.clone()));
        }
        let Some(members) = self.rooms.get_mut(room) else { return (None, 0) };
        let last = members
            .get_mut(user.as_str())
            .is_some_and(|member| member.nodes.remove(node) && member.nodes.is_empty());
        let gone = if last { members.remove(user.as_str()) } else { None };
        let count = members.len() as u64;
        if members.is_empty() {
            self.rooms.remove(room);
        }
        let change =
            |member: Member| CensusChange { room: room.clone(), who: member.author, entered: false, count };
        (gone.map(change), count)
    }

    pub(super) fn members(&self, room: &RoomId, limit: usize) -> (Vec<Author>, u64) {
        let Some(members) = self.rooms.get(room) else { return (Vec::new(), 0) };
        let authors = members.values().take(limit).map(|member| member.author.clone()).collect();
        (authors, members.len() as u64)
    }

    /// `(limit, replace_oldest)` as the port has them.
    pub(super) fn admit(
        &mut self,
        node: &NodeId,
        who: &Author,
        connection: ConnectionId,
        rule: (usize, bool),
        now: Instant,
    ) -> Admission {
        self.tenure(node, now);
        self.online.admit(node, who, connection, rule)
    }

    pub(super) fn held(&self, node: &NodeId) -> Vec<(RoomId, UserId)> {
        self.nodes.get(node).map_or_else(Vec::new, |tenure| tenure.seats.iter().cloned().collect())
    }

    pub(super) fn renew(&mut self, node: &NodeId, now: Instant) -> Lease {
        let until = now + self.lease;
        let tenure = self.tenure(node, now);
        let held = tenure.renewed && tenure.until > now;
        tenure.renewed = true;
        tenure.until = until;
        if held { Lease::Held } else { Lease::Lapsed }
    }

    /// Removes everything of every node whose lease lapsed, and finds who went offline. Returns what is to be told.
    pub(super) fn sweep(&mut self, now: Instant) -> (Vec<CensusChange>, Vec<Author>) {
        let lapsed = self.nodes.iter().filter(|(_, tenure)| tenure.until <= now);
        let lapsed: Vec<NodeId> = lapsed.map(|(node, _)| node.clone()).collect();
        // The lease was their grace: they leave now.
        let changes = lapsed.iter().flat_map(|node| self.retire(node, now)).collect();
        (changes, self.online.sweep(now))
    }

    /// Removes everything of one node, whose users leave at `leaves`. Returns what is to be told.
    pub(super) fn retire(&mut self, node: &NodeId, leaves: Instant) -> Vec<CensusChange> {
        let Some(tenure) = self.nodes.remove(node) else { return Vec::new() };
        self.online.retire(node, leaves);
        tenure.seats.into_iter().filter_map(|(room, user)| self.leave(node, &room, &user).0).collect()
    }

    /// All counters but that of nodes are kept; and those are as many as this process has started.
    pub(super) fn tally(&self, now: Instant) -> Tally {
        Tally {
            connections: self.online.connections(),
            users: self.online.users(),
            nodes: self.live(now).count() as u64,
        }
    }

    /// Every live node, in the order of names.
    pub(super) fn standings(&self, now: Instant) -> Vec<NodeStanding> {
        let by_node = self.online.by_node();
        let standing =
            |id: &NodeId| NodeStanding { id: id.clone(), connections: by_node.get(id).copied().unwrap_or(0) };
        let mut standings: Vec<_> = self.live(now).map(standing).collect();
        standings.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        standings
    }

    fn live(&self, now: Instant) -> impl Iterator<Item = &NodeId> {
        self.nodes.iter().filter(move |(_, tenure)| tenure.until > now).map(|(node, _)| node)
    }

    /// A node that was never heard of gets a first lease, so that its seats go with it even if it never renews.
    fn tenure(&mut self, node: &NodeId, now: Instant) -> &mut Tenure {
        let until = now + self.lease;
        let fresh = || Tenure { until, renewed: false, seats: HashSet::new() };
        self.nodes.entry(node.clone()).or_insert_with(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(10);

    fn anna() -> Author {
        Author { user: UserId::text("anna").unwrap(), name: None }
    }

    fn room() -> RoomId {
        RoomId::parse("room:a").unwrap()
    }

    #[test]
    fn a_lease_is_held_until_the_very_instant_it_lapses() {
        let (mut seating, node, start) = (Seating::new(LEASE), NodeId::boot("a"), Instant::now());
        assert_eq!(seating.renew(&node, start), Lease::Lapsed);
        let last = start + LEASE - Duration::from_millis(1);
        assert_eq!(seating.renew(&node, last), Lease::Held);
        assert_eq!(seating.renew(&node, last + LEASE), Lease::Lapsed);
    }

    #[test]
    fn a_node_that_never_renewed_is_swept_like_any_other_but_not_at_once() {
        let (mut seating, node, start) = (Seating::new(LEASE), NodeId::boot("a"), Instant::now());
        seating.enter(&node, &room(), &anna(), start);
        assert_eq!(seating.sweep(start), (vec![], vec![]));
        let gone = CensusChange { room: room(), who: anna(), entered: false, count: 0 };
        assert_eq!(seating.sweep(start + LEASE), (vec![gone], vec![]));
        assert!(seating.rooms.is_empty() && seating.nodes.is_empty());
    }

    #[test]
    fn a_swept_node_that_was_only_paused_is_told_at_its_next_renewal() {
        let (mut seating, node, start) = (Seating::new(LEASE), NodeId::boot("a"), Instant::now());
        seating.renew(&node, start);
        seating.enter(&node, &room(), &anna(), start);
        let later = start + LEASE;
        assert_eq!(seating.sweep(later).0.len(), 1);
        seating.enter(&node, &room(), &anna(), later);
        assert_eq!(seating.renew(&node, later), Lease::Lapsed);
        assert_eq!(seating.members(&room(), 9), (vec![anna()], 1));
    }

    #[test]
    fn nothing_is_left_of_users_and_rooms_that_are_gone() {
        let (mut seating, node, now) = (Seating::new(LEASE), NodeId::boot("a"), Instant::now());
        let connection = ConnectionId::new();
        seating.admit(&node, &anna(), connection, (1, false), now);
        seating.enter(&node, &room(), &anna(), now);
        seating.leave(&node, &room(), &anna().user);
        seating.online.release(&anna().user, connection, now);
        assert_eq!(seating.sweep(now), (vec![], vec![anna()]));
        assert!(
            seating.rooms.is_empty() && seating.online.is_empty() && seating.nodes[&node].seats.is_empty()
        );
    }
}
