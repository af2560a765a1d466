//! Accepting drafts: concurrent ones travel in one script call.
//!
//! One task per lane: where one server owns every shard there is one lane, on a cluster each shard has its own. While a call
//! is under way the next batch gathers, so batching costs no waiting.

use std::sync::Arc;
use std::time::Duration;

use domain::Draft;
use domain::MessageId;
use domain::ports::{PortError, Published};
use fred::types::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::fence::Fence;
use super::keys::Shard;
use super::link::{Link, unexpected};
use super::{RedisOptions, codec, url};

/// Drafts that may wait for a lane's call. When full, publishing is answered `Overloaded`.
const WAITING: usize = 16_384;
/// How long to wait after `Overloaded`.
const BACK_OFF: Duration = Duration::from_secs(1);
/// Fences in a row after which a batch is given up; each follows a restart or a promotion.
const FENCES: usize = 3;

type Reply = oneshot::Sender<Result<Published, PortError>>;

struct Waiting {
    shard: Shard,
    draft: Draft,
    reply: Reply,
}

/// The publishing half of a node's connection.
pub(super) struct Publisher {
    // One for all shards, or one for each.
    lanes: Vec<mpsc::Sender<Waiting>>,
    // For the queue, the fence and the call together.
    deadline: Duration,
    // Ends the lanes with the publisher.
    _tasks: JoinSet<()>,
}

impl Publisher {
    pub(super) fn start(link: &Link, fence: &Arc<Fence>, options: &RedisOptions) -> Self {
        let mut tasks = JoinSet::new();
        let lanes = if url::is_cluster(&options.url) { options.shards } else { 1 };
        let lanes = (0..lanes).map(|_| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let lane = Lane {
                link: link.clone(),
                fence: fence.clone(),
                settings: [
                    Value::from(options.journal_max_length.to_string()),
                    options.hot_log.to_string().into(),
                    options.hot_log_ttl.as_millis().to_string().into(),
                    options.dedupe_window.as_millis().to_string().into(),
                ],
                batch: options.batch.max(1),
            };
            tasks.spawn(lane.run(receiver));
            sender
        });
        Self { lanes: lanes.collect(), deadline: options.command_timeout * 2, _tasks: tasks }
    }

    pub(super) async fn publish(&self, shard: Shard, draft: Draft) -> Result<Published, PortError> {
        let (reply, answer) = oneshot::channel();
        self.lanes[usize::from(shard.0) % self.lanes.len()]
            .try_send(Waiting { shard, draft, reply })
            .map_err(|_| PortError::Overloaded(BACK_OFF))?;
        let answer = timeout(self.deadline, answer).await.map_err(|_| PortError::Deadline)?;
        answer.map_err(|_| PortError::Unavailable("the publisher is shutting down".into()))?
    }
}

struct Lane {
    link: Link,
    fence: Arc<Fence>,
    settings: [Value; 4],
    batch: usize,
}

impl Lane {
    async fn run(self, mut receiver: mpsc::Receiver<Waiting>) {
        let mut batch = Vec::new();
        while receiver.recv_many(&mut batch, self.batch).await > 0 {
            metrics::histogram!("hubbub_publish_batch_entries").record(batch.len() as f64);
            match self.accept(&batch).await {
                Ok(results) => {
                    for (waiting, result) in batch.drain(..).zip(results) {
                        // The asker may have gone; what was accepted stays accepted.
                        let _ = waiting.reply.send(result);
                    }
                }
                Err(error) => {
                    for waiting in batch.drain(..) {
                        let _ = waiting.reply.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    async fn accept(&self, batch: &[Waiting]) -> Result<Vec<Result<Published, PortError>>, PortError> {
        let shards = shards(batch);
        let (keys, arguments) = self.call(batch, &shards);
        for _ in 0..FENCES {
            let mut known = Vec::with_capacity(shards.len());
            for shard in &shards {
                known.push((*shard, self.fence.script(&self.link, *shard).await?));
            }
            let Some((place, sha)) = known.first() else { return Ok(Vec::new()) };
            match self.link.call_loaded(sha, *place, keys.clone(), arguments.clone()).await {
                Err(PortError::Unavailable(reason)) if Fence::is_called_for(&reason) => {
                    // Nothing was written: the script is unknown there, or refused before its first write.
                    known.iter().for_each(|(shard, sha)| self.fence.invalidate(*shard, sha));
                }
                Err(error) => return Err(error),
                Ok(reply) => return results(&reply, batch.len()),
            }
        }
        Err(PortError::Unavailable("redis keeps changing instances".into()))
    }

    fn call(&self, batch: &[Waiting], shards: &[Shard]) -> (Vec<String>, Vec<Value>) {
        let names = &self.link.keys;
        let mut keys = Vec::with_capacity(shards.len() * 2 + batch.len() * 4);
        for shard in shards {
            keys.extend([names.meta(*shard), names.journal(*shard)]);
        }
        let mut arguments = Vec::with_capacity(5 + batch.len() * 4);
        arguments.extend(self.settings.iter().cloned());
        arguments.push(shards.len().to_string().into());
        for Waiting { shard, draft, .. } in batch {
            let room = names.room(*shard, &draft.room);
            let dedupe = draft.client_id.as_ref().map_or_else(
                || room.clone(),
                |client| names.dedupe(*shard, &draft.room, &draft.author.user, client),
            );
            keys.extend([
                room,
                names.hot_log(*shard, &draft.room),
                names.channel(*shard, &draft.room),
                dedupe,
            ]);
            let number = shards.iter().position(|known| known == shard).map_or(0, |index| index + 1);
            arguments.push(number.to_string().into());
            arguments.push(draft.id.to_string().into());
            arguments.push(Value::from_static_str(if draft.client_id.is_some() { "1" } else { "0" }));
            arguments.push(Value::Bytes(codec::encode(draft).into()));
        }
        (keys, arguments)
    }
}

/// The shards of a batch, each once.
fn shards(batch: &[Waiting]) -> Vec<Shard> {
    let mut shards = Vec::with_capacity(1);
    for waiting in batch {
        if !shards.contains(&waiting.shard) {
            shards.push(waiting.shard);
        }
    }
    shards
}

fn results(reply: &Value, count: usize) -> Result<Vec<Result<Published, PortError>>, PortError> {
    let Value::Array(parts) = reply else { return Err(unexpected("a publish")) };
    if parts.len() != count * 2 {
        return Err(unexpected("a publish"));
    }
    Ok(parts.chunks_exact(2).map(|pair| result(&pair[0], &pair[1])).collect())
}

fn result(status: &Value, told: &Value) -> Result<Published, PortError> {
    let (status, told) = (status.as_str().unwrap_or_default(), told.as_str().unwrap_or_default());
    if status == "full" {
        return Err(PortError::Overloaded(BACK_OFF));
    }
    let read = || {
        let (position, id) = told.split_once(' ')?;
        Some((codec::position(position)?, MessageId(id.parse().ok()?)))
    };
    let (position, id) = read().ok_or_else(|| unexpected("a publish"))?;
    Ok(Published { position, id, repeated: status == "repeated" })
}
