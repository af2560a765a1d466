//! Accepting drafts: concurrent ones of a shard travel in one script call.
//!
//! One task per shard. While a call is under way the next batch gathers, so batching costs no waiting.

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
use super::{RedisOptions, codec};

/// Drafts that may wait for a shard's call. When full, publishing is answered `Overloaded`.
const WAITING: usize = 2048;
/// How long to wait after `Overloaded`.
const BACK_OFF: Duration = Duration::from_secs(1);
/// Fences in a row after which a batch is given up; each follows a restart or a promotion.
const FENCES: usize = 3;

type Reply = oneshot::Sender<Result<Published, PortError>>;

struct Waiting {
    draft: Draft,
    reply: Reply,
}

/// The publishing half of a node's connection.
pub(super) struct Publisher {
    shards: Vec<mpsc::Sender<Waiting>>,
    // For the queue, the fence and the call together.
    deadline: Duration,
    // Ends the shard tasks with the publisher.
    _tasks: JoinSet<()>,
}

impl Publisher {
    pub(super) fn start(link: &Link, fence: &Arc<Fence>, options: &RedisOptions) -> Self {
        let mut tasks = JoinSet::new();
        let shards = link.keys.shards().map(|shard| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let task = ShardTask {
                link: link.clone(),
                fence: fence.clone(),
                shard,
                settings: [
                    Value::from(options.journal_max_length.to_string()),
                    options.hot_log.to_string().into(),
                    options.hot_log_ttl.as_millis().to_string().into(),
                    options.dedupe_window.as_millis().to_string().into(),
                ],
                batch: options.batch.max(1),
            };
            tasks.spawn(task.run(receiver));
            sender
        });
        Self { shards: shards.collect(), deadline: options.command_timeout * 2, _tasks: tasks }
    }

    pub(super) async fn publish(&self, shard: Shard, draft: Draft) -> Result<Published, PortError> {
        let (reply, answer) = oneshot::channel();
        self.shards[usize::from(shard.0)]
            .try_send(Waiting { draft, reply })
            .map_err(|_| PortError::Overloaded(BACK_OFF))?;
        let answer = timeout(self.deadline, answer).await.map_err(|_| PortError::Deadline)?;
        answer.map_err(|_| PortError::Unavailable("the publisher is shutting down".into()))?
    }
}

struct ShardTask {
    link: Link,
    fence: Arc<Fence>,
    shard: Shard,
    settings: [Value; 4],
    batch: usize,
}

impl ShardTask {
    async fn run(self, mut receiver: mpsc::Receiver<Waiting>) {
        let mut batch = Vec::new();
        while receiver.recv_many(&mut batch, self.batch).await > 0 {
            metrics::histogram!("hubbub_publish_batch_entries").record(batch.len() as f64);
            let (drafts, replies): (Vec<Draft>, Vec<Reply>) =
                batch.drain(..).map(|waiting| (waiting.draft, waiting.reply)).unzip();
            match self.accept(&drafts).await {
                Ok(results) => {
                    for (reply, result) in replies.into_iter().zip(results) {
                        // The asker may have gone; what was accepted stays accepted.
                        let _ = reply.send(result);
                    }
                }
                Err(error) => {
                    for reply in replies {
                        let _ = reply.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    async fn accept(&self, drafts: &[Draft]) -> Result<Vec<Result<Published, PortError>>, PortError> {
        let (keys, arguments) = self.call(drafts);
        for _ in 0..FENCES {
            let sha = self.fence.script(&self.link, self.shard).await?;
            match self.link.call_loaded(&sha, self.shard, keys.clone(), arguments.clone()).await {
                Err(PortError::Unavailable(reason)) if Fence::is_called_for(&reason) => {
                    // Nothing was written: the script is unknown there, or refused before its first write.
                    self.fence.invalidate(self.shard, &sha);
                }
                Err(error) => return Err(error),
                Ok(reply) => return results(&reply, drafts.len()),
            }
        }
        Err(PortError::Unavailable("redis keeps changing instances".into()))
    }

    fn call(&self, drafts: &[Draft]) -> (Vec<String>, Vec<Value>) {
        let names = &self.link.keys;
        let mut keys = Vec::with_capacity(2 + drafts.len() * 4);
        keys.extend([names.meta(self.shard), names.journal(self.shard)]);
        let mut arguments = Vec::with_capacity(4 + drafts.len() * 3);
        arguments.extend(self.settings.iter().cloned());
        for draft in drafts {
            let room = names.room(self.shard, &draft.room);
            let dedupe = draft.client_id.as_ref().map_or_else(
                || room.clone(),
                |client| names.dedupe(self.shard, &draft.room, &draft.author.user, client),
            );
            keys.extend([
                room,
                names.hot_log(self.shard, &draft.room),
                names.channel(self.shard, &draft.room),
                dedupe,
            ]);
            arguments.push(draft.id.to_string().into());
            arguments.push(Value::from_static_str(if draft.client_id.is_some() { "1" } else { "0" }));
            arguments.push(Value::Bytes(codec::encode(draft).into()));
        }
        (keys, arguments)
    }
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
