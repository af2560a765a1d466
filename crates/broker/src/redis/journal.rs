//! The `Journal` port: one worker's view of every shard's stream.
//!
//! There is no consumer group. A shard has one reader, by lease, and a stream holds exactly what is not committed:
//! a new holder begins at its first entry, and settling trims. Nothing is pending anywhere else, so nothing is lost
//! with a worker and nothing needs to be claimed from it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Entry;
use domain::ports::{Backlog, Journal, PortError, Record, ShardLease};
use fred::types::{Key, Value};
use futures::future::{join_all, try_join_all};

use super::keys::Shard;
use super::link::{Link, Script, unexpected};
use super::{RedisOptions, codec, url};

/// One persister's connection.
pub struct RedisJournal {
    link: Link,
    worker: String,
    lease: Duration,
    /// Whether one server owns every shard, so that one command may look at them all.
    single: bool,
    announce: Script,
    lease_script: Script,
    settle: Script,
}

impl RedisJournal {
    /// Connects; `worker` is unique among live workers. `Unavailable` names the address tried.
    pub async fn connect(options: RedisOptions, worker: &str) -> Result<Arc<Self>, PortError> {
        Ok(Arc::new(Self {
            link: Link::connect(&options).await?,
            worker: worker.to_owned(),
            lease: options.lease,
            single: !url::is_cluster(&options.url),
            announce: Script::new(include_str!("scripts/announce.lua")),
            lease_script: Script::new(include_str!("scripts/lease.lua")),
            settle: Script::new(include_str!("scripts/settle.lua")),
        }))
    }

    async fn announce(&self, lease: Duration) -> Result<usize, PortError> {
        let key = self.link.keys.workers();
        let arguments = vec![self.worker.as_str().into(), lease.as_millis().to_string().into()];
        let live = self.link.call_at(&self.announce, &key, vec![key.clone()], arguments).await?;
        live.as_u64().and_then(|live| usize::try_from(live).ok()).ok_or_else(|| unexpected("an announcement"))
    }

    async fn ask(&self, shard: Shard, what: &'static str) -> Result<Holding, PortError> {
        let keys = vec![self.link.keys.writer(shard)];
        let lease = self.lease.as_millis().to_string();
        let arguments = vec![self.worker.as_str().into(), what.into(), lease.into()];
        let reply = self.link.call(&self.lease_script, shard, keys, arguments).await?;
        match reply.as_string().as_deref() {
            Some("") => Ok(Holding::Others),
            Some("free") => Ok(Holding::Free(shard)),
            Some(fence) => {
                let fence = fence.parse().map_err(|_| unexpected("a lease"))?;
                Ok(Holding::Ours(ShardLease { shard: shard.0, fence }))
            }
            None => Err(unexpected("a lease")),
        }
    }

    /// Up to `limit` records of each cursor's shard, behind it, in the cursors' order.
    async fn look(&self, from: &[Cursor], limit: usize) -> Result<Vec<Vec<Record>>, PortError> {
        if self.single {
            return self.look_at(from, limit).await;
        }
        let looks = from.chunks(1).map(|cursor| self.look_at(cursor, limit));
        Ok(try_join_all(looks).await?.into_iter().flatten().collect())
    }

    /// The same in one command; all the shards must be of one server.
    async fn look_at(&self, from: &[Cursor], limit: usize) -> Result<Vec<Vec<Record>>, PortError> {
        let names: Vec<String> =
            from.iter().map(|(lease, _)| self.link.keys.journal(Shard(lease.shard))).collect();
        let Some(place) = names.first() else { return Ok(Vec::new()) };
        let mut arguments = Vec::with_capacity(3 + 2 * from.len());
        arguments.extend(["COUNT".into(), limit.to_string().into(), "STREAMS".into()]);
        arguments.extend(names.iter().map(|name| Value::from(name.as_str())));
        arguments.extend(from.iter().map(|(_, behind)| Value::from(id(behind.unwrap_or_default()))));
        let reply = self.link.command("XREAD", place, arguments).await?;
        // Streams with nothing new are left out of the answer, and where there are none, so is the answer.
        let mut found = match reply {
            Value::Null => HashMap::new(),
            Value::Map(streams) => streams.inner(),
            _ => return Err(unexpected("journals")),
        };
        let shards = from.iter().zip(names).map(|((lease, _), name)| match found.remove(&Key::from(name)) {
            Some(entries) => records(Shard(lease.shard), entries),
            None => Ok(Vec::new()),
        });
        shards.collect()
    }
}

/// Where to read on in a lease's shard.
type Cursor = (ShardLease, Option<Offset>);

type Offset = (u64, u64);

/// The id of a stream's entry.
fn id((ms, n): Offset) -> String {
    format!("{ms}-{n}")
}

/// Who holds a shard.
enum Holding {
    Ours(ShardLease),
    Free(Shard),
    Others,
}

#[async_trait]
impl Journal for RedisJournal {
    async fn claim(&self) -> Result<Vec<ShardLease>, PortError> {
        let live = self.announce(self.lease).await?.max(1);
        let shards: Vec<Shard> = self.link.keys.shards().collect();
        let fair = shards.len().div_ceil(live);
        let asked = try_join_all(shards.iter().map(|shard| self.ask(*shard, "renew"))).await?;
        let (mut ours, mut free) = (Vec::new(), Vec::new());
        for holding in asked {
            match holding {
                Holding::Ours(lease) => ours.push(lease),
                Holding::Free(shard) => free.push(shard),
                Holding::Others => {}
            }
        }
        for lease in ours.split_off(fair.min(ours.len())) {
            self.ask(Shard(lease.shard), "release").await?;
        }
        // Workers that start together reach for different shards first.
        let offset = self.worker.bytes().map(usize::from).sum::<usize>() % free.len().max(1);
        free.rotate_left(offset);
        for shard in free.into_iter().take(fair - ours.len()) {
            if let Holding::Ours(lease) = self.ask(shard, "take").await? {
                ours.push(lease);
            }
        }
        Ok(ours)
    }

    async fn read(&self, from: &[Cursor], limit: usize) -> Result<Vec<Record>, PortError> {
        let share = (limit / from.len().max(1)).max(1);
        let mut rounds = self.look(from, share).await?;
        let mut total: usize = rounds.iter().map(Vec::len).sum();
        // A shard with more waiting fills what the others left of the limit.
        for ((lease, _), records) in
            from.iter().zip(&mut rounds).filter(|(_, records)| records.len() == share)
        {
            let (Some(last), true) = (records.last(), total < limit) else { break };
            let cursor = (lease.clone(), Some(last.offset));
            let more = self.look_at(&[cursor], limit - total).await?.into_iter().flatten();
            let before = records.len();
            records.extend(more);
            total += records.len() - before;
        }
        let mut records: Vec<Record> = rounds.into_iter().flatten().collect();
        records.truncate(limit);
        Ok(records)
    }

    async fn settle(&self, lease: &ShardLease, through: Offset) -> Result<(), PortError> {
        let shard = Shard(lease.shard);
        let keys = vec![self.link.keys.writer(shard), self.link.keys.journal(shard)];
        let first_kept = id((through.0, through.1 + 1));
        let arguments = vec![self.worker.as_str().into(), lease.fence.to_string().into(), first_kept.into()];
        let settled = self.link.call(&self.settle, shard, keys, arguments).await?;
        if settled.as_i64() == Some(1) { Ok(()) } else { Err(PortError::Fenced) }
    }

    async fn bury(&self, record: &Record, reason: &str) -> Result<(), PortError> {
        let dead = self.link.keys.dead_letters(Shard(record.shard));
        let (position, body) = match &record.entry {
            Ok(entry) => (entry.position.to_string(), codec::encode(&entry.draft).into()),
            Err((raw, _)) => (String::new(), raw.clone()),
        };
        let arguments = vec![
            dead.as_str().into(),
            "*".into(),
            "reason".into(),
            reason.into(),
            "p".into(),
            position.into(),
            "b".into(),
            Value::Bytes(body),
        ];
        self.link.command("XADD", &dead, arguments).await.map(|_| ())
    }

    async fn release(&self) -> Result<(), PortError> {
        try_join_all(self.link.keys.shards().map(|shard| self.ask(shard, "release"))).await?;
        self.announce(Duration::ZERO).await?;
        self.link.quit().await;
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        let looks = self.link.keys.shards().map(|shard| async move {
            let journal = self.link.keys.journal(shard);
            let length = self.link.command("XLEN", &journal, vec![journal.as_str().into()]).await?;
            let arguments = ["-", "+", "COUNT", "1"].map(Value::from);
            let arguments = [journal.as_str().into()].into_iter().chain(arguments).collect();
            let oldest = records(shard, self.link.command("XRANGE", &journal, arguments).await?)?;
            let oldest = oldest.first().map(|record| record.offset.0);
            Ok::<_, PortError>((length.as_u64().unwrap_or(0), oldest))
        });
        let mut backlog = Backlog::default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for look in join_all(looks).await {
            let (length, oldest) = look?;
            backlog.length += length;
            let age = oldest.map_or(Duration::ZERO, |ms| now.saturating_sub(Duration::from_millis(ms)));
            backlog.oldest = backlog.oldest.max(age);
        }
        Ok(backlog)
    }
}

/// Reads a list of a stream's entries.
fn records(shard: Shard, entries: Value) -> Result<Vec<Record>, PortError> {
    let Value::Array(entries) = entries else { return Ok(Vec::new()) };
    entries.into_iter().map(|entry| record(shard, entry)).collect()
}

/// Reads `[id, [field, value, …]]`. A record that cannot be read is still a record: it goes to the dead letters.
fn record(shard: Shard, entry: Value) -> Result<Record, PortError> {
    let Value::Array(parts) = entry else { return Err(unexpected("a journal entry")) };
    let [id, Value::Array(fields)] = parts.as_slice() else { return Err(unexpected("a journal entry")) };
    let offset = id.as_str().and_then(|id| {
        let (ms, n) = id.split_once('-')?;
        Some((ms.parse().ok()?, n.parse().ok()?))
    });
    let offset = offset.ok_or_else(|| unexpected("a journal entry"))?;
    let field = |name: &str| {
        let found = fields.chunks_exact(2).find(|pair| pair[0].as_str().as_deref() == Some(name));
        found.and_then(|pair| pair[1].as_bytes().map(Bytes::copy_from_slice))
    };
    let body = field("b").unwrap_or_default();
    let position = field("p").and_then(|text| codec::position(std::str::from_utf8(&text).ok()?));
    let entry = match (position, codec::decode(&body)) {
        (Some(position), Ok(draft)) => Ok(Entry { position, draft }),
        (None, _) => Err((body, "the entry has no position".to_owned())),
        (Some(_), Err(reason)) => Err((body, reason)),
    };
    Ok(Record { shard: shard.0, offset, entry })
}
