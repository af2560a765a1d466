//! Taking and giving back seats and slots: concurrent steps of a shard travel in one script call.
//!
//! One task per shard. While a call is under way, and for a moment after one, the next steps gather: a storm of arrivals
//! costs few calls, and a single arrival waits for nobody. Invariant: steps of a shard are done in the order in which they
//! were asked for.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use domain::NodeId;
use domain::ports::PortError;
use fred::types::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::RedisOptions;
use super::keys::Shard;
use super::link::{Link, Script, unexpected};

/// Steps that may wait for a shard's call. When full, whoever asks waits, at most until its deadline.
const WAITING: usize = 1024;
/// The least time from one call of a shard to the next, unless a whole batch waits. Redis answers faster than a storm
/// arrives, so without it nearly every step would travel alone.
const PAUSE: Duration = Duration::from_millis(5);

type Answer = Result<Value, PortError>;

/// One step: its word and what it takes, as `moves.lua` has them.
pub(super) type Step = Vec<Value>;

struct Waiting {
    step: Step,
    reply: oneshot::Sender<Answer>,
}

/// The moving half of a node's connection.
pub(super) struct Moves {
    shards: Vec<mpsc::Sender<Waiting>>,
    // For the queue and the call together.
    deadline: Duration,
    // Ends the shard tasks with this.
    _tasks: JoinSet<()>,
}

impl Moves {
    pub(super) fn start(link: &Link, node: &NodeId, options: &RedisOptions) -> Self {
        let (script, mut tasks) = (Arc::new(script()), JoinSet::new());
        let shards = link.keys.shards().map(|shard| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let whose = [link.keys.base(shard).into(), node.as_str().into()];
            let (link, script, batch) = (link.clone(), script.clone(), options.batch.max(1));
            tasks.spawn(ShardTask { link, script, shard, whose, batch }.run(receiver));
            sender
        });
        Self { shards: shards.collect(), deadline: options.command_timeout * 2, _tasks: tasks }
    }

    /// Does one step, together with whatever else waits for the same shard.
    pub(super) async fn go(&self, shard: Shard, step: Step) -> Answer {
        let (reply, answer) = oneshot::channel();
        let ended = |_| PortError::Unavailable("the connection to redis is shutting down".into());
        let asked = async {
            let queue = &self.shards[usize::from(shard.0)];
            queue.send(Waiting { step, reply }).await.map_err(|_| ended(()))?;
            answer.await.map_err(|_| ended(()))?
        };
        timeout(self.deadline, asked).await.map_err(|_| PortError::Deadline)?
    }
}

fn script() -> Script {
    Script::new(
        [
            include_str!("scripts/census.lua"),
            include_str!("scripts/shard.lua"),
            include_str!("scripts/enter.lua"),
            include_str!("scripts/leave.lua"),
            include_str!("scripts/admit.lua"),
            include_str!("scripts/release.lua"),
            include_str!("scripts/moves.lua"),
        ]
        .concat(),
    )
}

struct ShardTask {
    link: Link,
    script: Arc<Script>,
    shard: Shard,
    whose: [Value; 2],
    batch: usize,
}

impl ShardTask {
    async fn run(self, mut receiver: mpsc::Receiver<Waiting>) {
        let (mut batch, mut next) = (Vec::new(), Instant::now());
        while receiver.recv_many(&mut batch, self.batch).await > 0 {
            if batch.len() < self.batch && Instant::now() < next {
                sleep_until(next).await;
                batch.extend(iter::from_fn(|| receiver.try_recv().ok()).take(self.batch - batch.len()));
            }
            next = Instant::now() + PAUSE;
            let (steps, replies): (Vec<Step>, Vec<_>) =
                batch.drain(..).map(|waiting| (waiting.step, waiting.reply)).unzip();
            let answers = match self.call(steps, replies.len()).await {
                Ok(answers) => answers.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); replies.len()],
            };
            for (reply, answer) in replies.into_iter().zip(answers) {
                // Whoever asked may have gone; what was taken is given back by the next comparison.
                drop(reply.send(answer));
            }
        }
    }

    async fn call(&self, steps: Vec<Step>, count: usize) -> Result<Vec<Value>, PortError> {
        let arguments = self.whose.iter().cloned().chain(steps.into_iter().flatten()).collect();
        let keys = vec![self.link.keys.nodes(self.shard)];
        match self.link.call(&self.script, self.shard, keys, arguments).await? {
            Value::Array(answers) if answers.len() == count => Ok(answers),
            _ => Err(unexpected("a move")),
        }
    }
}
