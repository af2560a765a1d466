//! The `Journal` port: one worker's view of every shard's stream.
//!
//! There is no consumer group. A shard has one reader, by lease, and a stream holds exactly what is not committed:
//! a new holder begins at its first entry, and settling trims. Nothing is pending anywhere else, so nothing is lost
//! with a worker and nothing needs to be claimed from it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Entry;
use domain::ports::{Backlog, Journal, PortError, Record, ShardLease};
use fred::types::Value;
use futures::future::{join_all, try_join_all};

use super::keys::Shard;
use super::link::{Link, Script, unexpected};
use super::{RedisOptions, codec};

/// One persister's connection.
pub struct RedisJournal {
    link: Link,
    worker: String,
    lease: Duration,
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

    async fn range(
        &self,
        shard: Shard,
        behind: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<Record>, PortError> {
        let journal = self.link.keys.journal(shard);
        let from = behind.map_or_else(|| "-".to_owned(), |(ms, n)| format!("({ms}-{n}"));
        let count = limit.to_string();
        let arguments = vec![journal.as_str().into(), from.into(), "+".into(), "COUNT".into(), count.into()];
        let reply = self.link.command("XRANGE", &journal, arguments).await?;
        let Value::Array(entries) = reply else { return Ok(Vec::new()) };
        entries.into_iter().map(|entry| record(shard, entry)).collect()
    }
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

    async fn read(
        &self,
        from: &[(ShardLease, Option<(u64, u64)>)],
        limit: usize,
    ) -> Result<Vec<Record>, PortError> {
        let share = (limit / from.len().max(1)).max(1);
        let first = from.iter().map(|(lease, behind)| self.range(Shard(lease.shard), *behind, share));
        let mut rounds = try_join_all(first).await?;
        let mut total: usize = rounds.iter().map(Vec::len).sum();
        // A shard with more waiting fills what the others left of the limit.
        for records in rounds.iter_mut().filter(|records| records.len() == share) {
            let (Some(last), true) = (records.last(), total < limit) else { break };
            let more = self.range(Shard(last.shard), Some(last.offset), limit - total).await?;
            total += more.len();
            records.extend(more);
        }
        let mut records: Vec<Record> = rounds.into_iter().flatten().collect();
        records.truncate(limit);
        Ok(records)
    }

    async fn settle(&self, lease: &ShardLease, through: (u64, u64)) -> Result<(), PortError> {
        let shard = Shard(lease.shard);
        let keys = vec![self.link.keys.writer(shard), self.link.keys.journal(shard)];
        let (ms, n) = through;
        let arguments = vec![
            self.worker.as_str().into(),
            lease.fence.to_string().into(),
            format!("{ms}-{}", n + 1).into(),
        ];
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
            let oldest = self.range(shard, None, 1).await?.first().map(|record| record.offset.0);
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
