//! Who is where: the `Presence` port. Leases are judged by Redis' own clock, inside the scripts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Admission, Census, Departure, Lease, PortError, Presence};
use domain::{Author, ConnectionId, NodeId, RoomId, UserId};
use fred::types::Value;
use futures::future::{join_all, try_join_all};

use super::RedisNode;
use super::keys::Shard;
use super::link::{Link, Script, unexpected};

/// Seats that one sweeping call removes at most; a script must not hold Redis for long.
const SWEPT: usize = 500;

/// What a node hears on its own channel before the id of a connection that must go.
pub(super) const EVICT: &str = "evict ";

/// The seating half of a node's connection.
pub(super) struct Seats {
    link: Link,
    node: NodeId,
    lease: Duration,
    enter: Script,
    leave: Script,
    admit: Script,
    release: Script,
    renew: Script,
    sweep: Script,
    // A lease was found missing, or Redis may have lost its last second: told by the next renewal that succeeds.
    lapsed: AtomicBool,
}

impl Seats {
    pub(super) fn new(link: Link, node: NodeId, lease: Duration) -> Self {
        Self {
            link,
            node,
            lease,
            enter: Script::new(include_str!("scripts/enter.lua")),
            leave: Script::new(include_str!("scripts/leave.lua")),
            admit: Script::new(include_str!("scripts/admit.lua")),
            release: Script::new(include_str!("scripts/release.lua")),
            renew: Script::new(include_str!("scripts/renew.lua")),
            sweep: Script::new(include_str!("scripts/sweep.lua")),
            lapsed: AtomicBool::new(true),
        }
    }

    fn node(&self) -> Value {
        self.node.as_str().into()
    }

    fn lease(&self) -> Value {
        self.lease.as_millis().to_string().into()
    }

    /// What this node holds may not be what Redis remembers.
    pub(super) fn doubt(&self) {
        self.lapsed.store(true, Ordering::Relaxed);
    }

    /// Renews the lease on one shard; whether it stood.
    async fn renew(&self, shard: Shard) -> Result<bool, PortError> {
        let arguments = vec![self.node(), self.lease()];
        let stood = self.link.call(&self.renew, shard, vec![self.link.keys.nodes(shard)], arguments).await?;
        Ok(stood.as_i64() == Some(1))
    }

    /// Calls a script that wants the node to have a lease on the shard.
    async fn call_leased(
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
        self.renew(shard).await?;
        self.link.call(script, shard, keys, arguments).await
    }

    /// Tells the node of a replaced connection, on the channel that it probes itself by.
    async fn evict(&self, answer: &str) -> Result<Admission, PortError> {
        let replaced = answer.strip_prefix("replaces ").and_then(|told| told.rsplit_once(' '));
        let (node, connection) = replaced.ok_or_else(|| unexpected("an admission"))?;
        let id = connection.parse().map_err(|_| unexpected("an admission"))?;
        let shard = self.link.keys.shards().next().ok_or_else(|| unexpected("an admission"))?;
        let channel = self.link.keys.probe(shard, node);
        let arguments = vec![channel.as_str().into(), format!("{EVICT}{connection}").into()];
        self.link.command("SPUBLISH", &channel, arguments).await?;
        Ok(Admission::Replaces(ConnectionId(id)))
    }

    /// Sweeps one shard until nothing is left to sweep in it.
    async fn sweep(&self, shard: Shard, node: Option<&NodeId>) -> Result<Vec<Departure>, PortError> {
        let (keys, mut departures) = (&self.link.keys, Vec::new());
        loop {
            let named = node.map_or("", NodeId::as_str);
            let arguments =
                vec![keys.base(shard).into(), named.into(), SWEPT.to_string().into(), self.node()];
            let reply = self.link.call(&self.sweep, shard, vec![keys.nodes(shard)], arguments).await?;
            let Value::Array(parts) = reply else { return Err(unexpected("a sweep")) };
            let mut parts = parts.into_iter();
            let more = parts.next().is_some_and(|more| more.as_str().as_deref() == Some("1"));
            while let (Some(room), Some(user)) = (parts.next(), parts.next()) {
                departures.extend(departure(&room, &user));
            }
            if !more {
                return Ok(departures);
            }
        }
    }
}

/// Reads `room NUL user`.
fn held(seat: &str) -> Option<(RoomId, UserId)> {
    let (room, user) = seat.split_once('\0')?;
    Some((RoomId::parse(room).ok()?, UserId::text(user).ok()?))
}

fn departure(room: &Value, user: &Value) -> Option<Departure> {
    let room = RoomId::parse(&room.as_str()?).ok()?;
    Some(Departure { room, user: UserId::text(&user.as_str()?).ok()? })
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

/// How a user is shown: whether the id is a number, then the name.
fn packed(who: &Author) -> String {
    let kind = if who.user.is_numeric() { '#' } else { '"' };
    who.name.as_ref().map_or_else(|| kind.to_string(), |name| format!("{kind}:{name}"))
}

fn unpacked(user: &str, packed: &str) -> Option<Author> {
    let id = if packed.starts_with('#') { UserId::number(user.parse().ok()?) } else { UserId::text(user) };
    let name = packed.split_once(':').map(|(_, name)| name.into());
    Some(Author { user: id.ok()?, name })
}

#[async_trait]
impl Presence for RedisNode {
    async fn enter(&self, room: &RoomId, who: &Author) -> Result<Census, PortError> {
        let (seats, names) = (&self.seats, &self.seats.link.keys);
        let shard = names.shard_of_room(room);
        let keys = vec![
            names.nodes(shard),
            names.seats(shard, room),
            names.people(shard, room),
            names.names(shard, room),
            names.held(shard, &seats.node),
        ];
        let arguments = vec![seats.node(), who.user.as_str().into(), packed(who).into(), room.key().into()];
        census(&seats.call_leased(&seats.enter, shard, keys, arguments).await?)
    }

    async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError> {
        let (seats, names) = (&self.seats, &self.seats.link.keys);
        let shard = names.shard_of_room(room);
        let keys = vec![
            names.seats(shard, room),
            names.people(shard, room),
            names.names(shard, room),
            names.held(shard, &seats.node),
        ];
        let arguments = vec![seats.node(), user.as_str().into(), room.key().into()];
        census(&seats.link.call(&seats.leave, shard, keys, arguments).await?)
    }

    async fn members(&self, room: &RoomId, limit: usize) -> Result<(Vec<Author>, u64), PortError> {
        let (link, keys) = (&self.seats.link, &self.seats.link.keys);
        let shard = keys.shard_of_room(room);
        let people = keys.people(shard, room);
        let count = link.command("HLEN", &people, vec![people.as_str().into()]).await?;
        let names = keys.names(shard, room);
        let arguments = vec![names.as_str().into(), limit.to_string().into(), "WITHVALUES".into()];
        let shown = link.command("HRANDFIELD", &names, arguments).await?;
        Ok((authors(&shown), count.as_u64().unwrap_or(0)))
    }

    async fn admit(
        &self,
        user: &UserId,
        connection: ConnectionId,
        limit: usize,
        replace_oldest: bool,
    ) -> Result<Admission, PortError> {
        let (seats, names) = (&self.seats, &self.seats.link.keys);
        let shard = names.shard_of_user(user);
        let keys = vec![names.nodes(shard), names.slots(shard, user), names.slotted(shard, &seats.node)];
        let arguments = vec![
            seats.node(),
            user.as_str().into(),
            connection.to_string().into(),
            limit.to_string().into(),
            if replace_oldest { "1" } else { "0" }.into(),
        ];
        let reply = seats.call_leased(&seats.admit, shard, keys, arguments).await?;
        match reply.as_str().as_deref() {
            Some("admitted") => Ok(Admission::Admitted),
            Some("refused") => Ok(Admission::Refused),
            Some(answer) => self.seats.evict(answer).await,
            None => Err(unexpected("an admission")),
        }
    }

    async fn release(&self, user: &UserId, connection: ConnectionId) -> Result<(), PortError> {
        let (seats, names) = (&self.seats, &self.seats.link.keys);
        let shard = names.shard_of_user(user);
        let keys = vec![names.slots(shard, user), names.slotted(shard, &seats.node)];
        let arguments = vec![seats.node(), user.as_str().into(), connection.to_string().into()];
        seats.link.call(&seats.release, shard, keys, arguments).await.map(|_| ())
    }

    async fn renew(&self) -> Result<Lease, PortError> {
        let seats = &self.seats;
        let renewals = join_all(seats.link.keys.shards().map(|shard| seats.renew(shard))).await;
        // Remembered even when another shard did not answer.
        if renewals.contains(&Ok(false)) {
            seats.doubt();
        }
        for stood in renewals {
            stood?;
        }
        let lapsed = seats.lapsed.swap(false, Ordering::Relaxed);
        Ok(if lapsed { Lease::Lapsed } else { Lease::Held })
    }

    async fn held(&self) -> Result<Vec<(RoomId, UserId)>, PortError> {
        let (link, node) = (&self.seats.link, &self.seats.node);
        let shards = try_join_all(link.keys.shards().map(|shard| async move {
            let key = link.keys.held(shard, node);
            link.command("SMEMBERS", &key, vec![key.as_str().into()]).await
        }));
        let seats = shards.await?.into_iter().flat_map(Value::into_array);
        Ok(seats.filter_map(|seat| seat.as_str().and_then(|text| held(&text))).collect())
    }

    async fn sweep(&self) -> Result<Vec<Departure>, PortError> {
        let sweeps = self.seats.link.keys.shards().map(|shard| self.seats.sweep(shard, None));
        Ok(try_join_all(sweeps).await?.into_iter().flatten().collect())
    }

    async fn retire(&self) -> Result<(), PortError> {
        let node = Some(&self.seats.node);
        try_join_all(self.seats.link.keys.shards().map(|shard| self.seats.sweep(shard, node)))
            .await
            .map(|_| ())
    }
}

/// Field and value pairs, nested (RESP3) or flat (RESP2).
fn authors(reply: &Value) -> Vec<Author> {
    let Value::Array(parts) = reply else { return Vec::new() };
    let pair = |user: &Value, shown: &Value| unpacked(&user.as_str()?, &shown.as_str()?);
    if let Some(Value::Array(_)) = parts.first() {
        let nested = parts.iter().filter_map(|part| match part {
            Value::Array(both) if both.len() == 2 => pair(&both[0], &both[1]),
            _ => None,
        });
        return nested.collect();
    }
    parts.chunks_exact(2).filter_map(|both| pair(&both[0], &both[1])).collect()
}
