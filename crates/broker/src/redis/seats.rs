//! Seats in rooms, and the lease that they live by. Leases are judged by Redis' own clock, inside the scripts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::ports::{Census, Lease, PortError};
use domain::{Author, NodeId, RoomId, UserId};
use fred::types::Value;
use futures::future::{join_all, try_join_all};

use super::RedisOptions;
use super::keys::Shard;
use super::link::{Link, Script, unexpected};
use super::moves::{Moves, Step};
use super::people::{authors, packed};

/// The atomic steps.
pub(super) struct Scripts {
    renew: Script,
    pub(super) sweep: Script,
    pub(super) attendance: Script,
    pub(super) standings: Script,
    pub(super) spend: Script,
}

impl Scripts {
    fn new() -> Self {
        let telling = |source: &str| Script::new([include_str!("scripts/census.lua"), source].concat());
        Self {
            renew: Script::new(include_str!("scripts/renew.lua")),
            sweep: telling(include_str!("scripts/sweep.lua")),
            attendance: Script::new(include_str!("scripts/attendance.lua")),
            standings: Script::new(include_str!("scripts/standings.lua")),
            spend: Script::new(include_str!("scripts/spend.lua")),
        }
    }
}

/// The seating half of a node's connection.
pub(super) struct Seats {
    pub(super) link: Link,
    pub(super) node: NodeId,
    lease: Duration,
    pub(super) moves: Moves,
    pub(super) scripts: Scripts,
    // A lease was found missing, or Redis may have lost its last second: told by the next renewal that succeeds.
    lapsed: AtomicBool,
}

impl Seats {
    pub(super) fn new(link: Link, node: NodeId, options: &RedisOptions) -> Self {
        let (moves, lease) = (Moves::start(&link, &node, options), options.lease);
        Self { link, node, lease, moves, scripts: Scripts::new(), lapsed: AtomicBool::new(true) }
    }

    /// The node's name, as scripts want it.
    pub(super) fn name(&self) -> Value {
        self.node.as_str().into()
    }

    /// What this node holds may not be what Redis remembers.
    pub(super) fn doubt(&self) {
        self.lapsed.store(true, Ordering::Relaxed);
    }

    pub(super) async fn enter(&self, room: &RoomId, who: &Author) -> Result<Census, PortError> {
        let shard = self.link.keys.shard_of_room(room);
        let step = vec![word("enter"), room.key().into(), who.user.as_str().into(), packed(who).into()];
        census(&self.go_leased(shard, step).await?)
    }

    pub(super) async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError> {
        let shard = self.link.keys.shard_of_room(room);
        let step = vec![word("leave"), room.key().into(), user.as_str().into()];
        census(&self.moves.go(shard, step).await?)
    }

    pub(super) async fn members(&self, room: &RoomId, limit: usize) -> Result<(Vec<Author>, u64), PortError> {
        let (link, keys) = (&self.link, &self.link.keys);
        let shard = keys.shard_of_room(room);
        let people = keys.people(shard, room);
        let count = link.command("HLEN", &people, vec![people.as_str().into()]).await?;
        let names = keys.names(shard, room);
        let arguments = vec![names.as_str().into(), limit.to_string().into(), "WITHVALUES".into()];
        let shown = link.command("HRANDFIELD", &names, arguments).await?;
        Ok((authors(&shown), count.as_u64().unwrap_or(0)))
    }

    pub(super) async fn held(&self) -> Result<Vec<(RoomId, UserId)>, PortError> {
        let shards = try_join_all(self.link.keys.shards().map(|shard| async move {
            let key = self.link.keys.held(shard, &self.node);
            self.link.command("SMEMBERS", &key, vec![key.as_str().into()]).await
        }));
        let seats = shards.await?.into_iter().flat_map(Value::into_array);
        Ok(seats.filter_map(|seat| seat.as_str().and_then(|text| held(&text))).collect())
    }

    pub(super) async fn renew(&self) -> Result<Lease, PortError> {
        let renewals = join_all(self.link.keys.shards().map(|shard| self.renew_on(shard))).await;
        // Remembered even when another shard did not answer.
        if renewals.contains(&Ok(false)) {
            self.doubt();
        }
        for stood in renewals {
            stood?;
        }
        let lapsed = self.lapsed.swap(false, Ordering::Relaxed);
        Ok(if lapsed { Lease::Lapsed } else { Lease::Held })
    }

    /// Renews the lease on one shard; whether it stood.
    async fn renew_on(&self, shard: Shard) -> Result<bool, PortError> {
        let arguments = vec![self.name(), self.lease.as_millis().to_string().into()];
        let keys = vec![self.link.keys.nodes(shard)];
        let stood = self.link.call(&self.scripts.renew, shard, keys, arguments).await?;
        Ok(stood.as_i64() == Some(1))
    }

    /// Does a step that wants the node to have a lease on the shard.
    pub(super) async fn go_leased(&self, shard: Shard, step: Step) -> Result<Value, PortError> {
        let answer = self.moves.go(shard, step.clone()).await?;
        if answer.as_str().as_deref() != Some("lapsed") {
            return Ok(answer);
        }
        self.doubt();
        self.renew_on(shard).await?;
        self.moves.go(shard, step).await
    }
}

/// The word that a step begins with.
pub(super) fn word(word: &'static str) -> Value {
    Value::from_static_str(word)
}

/// Reads `room NUL user`.
fn held(seat: &str) -> Option<(RoomId, UserId)> {
    let (room, user) = seat.split_once('\0')?;
    Some((RoomId::parse(room).ok()?, UserId::text(user).ok()?))
}

fn census(reply: &Value) -> Result<Census, PortError> {
    match reply {
        Value::Array(parts) if parts.len() == 2 => {
            let count = parts[1].as_u64().ok_or_else(|| unexpected("a census"))?;
            Ok(Census { edge: parts[0].as_i64() == Some(1), count })
        }
        _ => Err(unexpected("a census")),
    }
}
