//! How many there are, and who came last: read from counters that the scripts of slots keep in step.
//!
//! Owns no counter. All shards are asked at once, so each look is one round trip; the shards' answers may be a moment apart.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use domain::ports::{Attendance, Attendee, NodeStanding, PortError, Tally};
use domain::{NodeId, RoomId, UserId};
use fred::types::Value;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};

use super::keys::Shard;
use super::link::unexpected;
use super::people::author;
use super::seats::Seats;

/// Users who are asked about at once.
const AT_ONCE: usize = 64;
/// Users that are shown at most: a script counts exactly so far and further.
const MOST: usize = 1 << 31;

/// What one shard tells: its counters, and its newest users by when they came.
type Part = (Tally, Vec<(u64, Attendee)>);

impl Seats {
    pub(super) async fn tally(&self) -> Result<Tally, PortError> {
        Ok(self.attendance(0).await?.tally)
    }

    pub(super) async fn attendance(&self, limit: usize) -> Result<Attendance, PortError> {
        let shards = self.link.keys.shards().map(|shard| self.attendance_on(shard, limit.min(MOST)));
        let (mut tally, mut users) = (Tally::default(), Vec::new());
        for (part, newest) in try_join_all(shards).await? {
            tally.connections += part.connections;
            tally.users += part.users;
            // Every node has a lease on every shard.
            tally.nodes = tally.nodes.max(part.nodes);
            users.extend(newest);
        }
        users.sort_by_key(|(came, _)| Reverse(*came));
        users.truncate(limit);
        Ok(Attendance { users: users.into_iter().map(|(_, user)| user).collect(), tally })
    }

    async fn attendance_on(&self, shard: Shard, limit: usize) -> Result<Part, PortError> {
        let names = &self.link.keys;
        let keys =
            vec![names.nodes(shard), names.connected(shard), names.present(shard), names.online(shard)];
        let arguments = vec![names.base(shard).into(), limit.to_string().into()];
        part(&self.link.call(&self.scripts.attendance, shard, keys, arguments).await?)
            .ok_or_else(|| unexpected("an attendance"))
    }

    pub(super) async fn count(&self, room: &RoomId) -> Result<u64, PortError> {
        let people = self.link.keys.people(self.link.keys.shard_of_room(room), room);
        number(&self.link.command("HLEN", &people, vec![people.as_str().into()]).await?)
    }

    pub(super) async fn connections_of(&self, users: &[UserId]) -> Result<Vec<u64>, PortError> {
        let names = &self.link.keys;
        let slots: Vec<String> =
            users.iter().map(|user| names.slots(names.shard_of_user(user), user)).collect();
        let asked = slots.into_iter().map(|slots| async move {
            number(&self.link.command("ZCARD", &slots, vec![slots.as_str().into()]).await?)
        });
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    /// Every live node, in the order of names.
    pub(super) async fn standings(&self) -> Result<Vec<NodeStanding>, PortError> {
        let mut nodes: BTreeMap<String, u64> = BTreeMap::new();
        for part in try_join_all(self.link.keys.shards().map(|shard| self.standings_on(shard))).await? {
            for both in part.chunks_exact(2) {
                let node = both[0].as_string().ok_or_else(|| unexpected("a node"))?;
                *nodes.entry(node).or_default() += number(&both[1])?;
            }
        }
        let standing =
            |(id, connections): (String, u64)| Ok(NodeStanding { id: NodeId::told(&id), connections });
        nodes.into_iter().map(standing).collect()
    }

    async fn standings_on(&self, shard: Shard) -> Result<Vec<Value>, PortError> {
        let names = &self.link.keys;
        let (keys, arguments) = (vec![names.nodes(shard)], vec![names.base(shard).into()]);
        let reply = self.link.call(&self.scripts.standings, shard, keys, arguments).await?;
        Ok(reply.into_array())
    }
}

/// Reads what `attendance.lua` returns.
fn part(reply: &Value) -> Option<Part> {
    let Value::Array(parts) = reply else { return None };
    let [connections, users, nodes, newest @ ..] = parts.as_slice() else { return None };
    // Below nothing only where somebody has deleted the counter alone: Redis itself loses it with all that it counts.
    let connections = connections.as_u64().unwrap_or(0);
    let tally = Tally { connections, users: users.as_u64()?, nodes: nodes.as_u64()? };
    let newest = newest.chunks_exact(4).filter_map(|user| {
        let attendee = Attendee { who: author(&user[1], &user[2])?, connections: user[3].as_u64()? };
        Some((user[0].as_u64()?, attendee))
    });
    Some((tally, newest.collect()))
}

fn number(reply: &Value) -> Result<u64, PortError> {
    reply.as_u64().ok_or_else(|| unexpected("a count"))
}
