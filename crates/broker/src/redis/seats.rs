//! Seats in rooms, and the lease that they live by. Leases are judged by Redis' own clock, inside the scripts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::ports::{Census, Lease, PortError};
use domain::{Author, NodeId, RoomId, UserId};
use fred::types::Value;
use futures::future::{join_all, try_join_all};

use super::keys::Shard;
use super::link::{Link, Script, unexpected};
use super::people::{authors, packed};

/// The atomic steps.
pub(super) struct Scripts {
    enter: Script,
    leave: Script,
    renew: Script,
    pub(super) admit: Script,
    pub(super) release: Script,
    pub(super) sweep: Script,
    pub(super) attendance: Script,
    pub(super) standings: Script,
    pub(super) spend: Script,
}

impl Scripts {
    fn new() -> Self {
        let telling = |source: &str| Script::new([include_str!("scripts/census.lua"), source].concat());
        Self {
            enter: telling(include_str!("scripts/enter.lua")),
            leave: telling(include_str!("scripts/leave.lua")),
            renew: Script::new(include_str!("scripts/renew.lua")),
            admit: Script::new(include_str!("scripts/admit.lua")),
            release: Script::new(include_str!("scripts/release.lua")),
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
    pub(super) scripts: Scripts,
    // A lease was found missing, or Redis may have lost its last second: told by the next renewal that succeeds.
    lapsed: AtomicBool,
}

impl Seats {
    pub(super) fn new(link: Link, node: NodeId, lease: Duration) -> Self {
        Self { link, node, lease, scripts: Scripts::new(), lapsed: AtomicBool::new(true) }
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
        let names = &self.link.keys;
        let shard = names.shard_of_room(room);
        let keys = vec![
            names.nodes(shard),
            names.seats(shard, room),
            names.people(shard, room),
            names.names(shard, room),
            names.held(shard, &self.node),
            names.channel(shard, room),
        ];
        let arguments = vec![self.name(), who.user.as_str().into(), packed(who).into(), room.key().into()];
        census(&self.call_leased(&self.scripts.enter, shard, keys, arguments).await?)
    }

    pub(super) async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError> {
        let names = &self.link.keys;
        let shard = names.shard_of_room(room);
        let keys = vec![
            names.seats(shard, room),
            names.people(shard, room),
            names.names(shard, room),
            names.held(shard, &self.node),
            names.channel(shard, room),
        ];
        let arguments = vec![self.name(), user.as_str().into(), room.key().into()];
        census(&self.link.call(&self.scripts.leave, shard, keys, arguments).await?)
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

    /// Calls a script that wants the node to have a lease on the shard.
    pub(super) async fn call_leased(
        &self,
        script: &Script,
        shard: Shard,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, PortError> {
        let reply = self.link.call(script, shard, keys.clone(), arguments.clone()).await?;
        if reply.as_str().as_deref() != Some("lapsed") {
            return Ok(reply);
        }
        self.doubt();
        self.renew_on(shard).await?;
        self.link.call(script, shard, keys, arguments).await
    }
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
