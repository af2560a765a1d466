//! The workers as processes: started, spoken to, listened to, and ended with the parent.
//!
//! Owns the processes and the channel on which all of their words arrive. A worker that ends without a last word is an
//! error that names it.

use std::{path::Path, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    task::JoinSet,
};

use crate::fleet::{
    orders::{Assignment, Order, Word, line, read},
    parent::FleetError,
};

/// Words that wait to be read; a worker whose words do not fit waits with the next one.
const WORDS: usize = 64;
/// The hidden subcommand.
const AS_WORKER: &str = "worker";

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) part: usize,
    parts: usize,
    pid: u32,
}

impl std::fmt::Display for Name {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "worker {} of {} (process {})", self.part + 1, self.parts, self.pid)
    }
}

/// All workers of a run. Dropping it kills those that still run.
pub(super) struct Crew {
    workers: Vec<Worker>,
    words: mpsc::Receiver<(Name, Result<Word, String>)>,
    _listeners: JoinSet<()>,
}

struct Worker {
    name: Name,
    orders: ChildStdin,
    _process: Child,
}

impl Crew {
    /// Starts one worker per assignment, on these cores in turn (any, where none is named).
    pub(super) async fn start(
        program: &Path,
        cores: &[usize],
        assignments: Vec<Assignment>,
    ) -> Result<Self, FleetError> {
        let (sender, words) = mpsc::channel(WORDS);
        let (mut workers, mut listeners) = (Vec::new(), JoinSet::new());
        for assignment in assignments {
            let core = cores.get(assignment.part % cores.len().max(1)).copied();
            let mut process = command(program, core).spawn().map_err(FleetError::NotStarted)?;
            let pid = process.id().unwrap_or_default();
            let name = Name { part: assignment.part, parts: assignment.parts, pid };
            let output = process.stdout.take().expect("standard output is piped");
            let orders = process.stdin.take().expect("standard input is piped");
            listeners.spawn(listen(name.clone(), BufReader::new(output), sender.clone()));
            let mut worker = Worker { name, orders, _process: process };
            worker.tell(&assignment).await?;
            workers.push(worker);
        }
        Ok(Self { workers, words, _listeners: listeners })
    }

    pub(super) fn len(&self) -> usize {
        self.workers.len()
    }

    /// The next word of anybody.
    pub(super) async fn hear(&mut self) -> Result<(Name, Word), FleetError> {
        // Listeners send a last word before they end, and nobody listens on after all last words.
        let (name, word) = self.words.recv().await.ok_or(FleetError::Silent)?;
        match word {
            Ok(Word::Failed { reason, not_joined: true }) => {
                Err(FleetError::NotJoined { name: name.to_string(), reason })
            }
            Ok(Word::Failed { reason, not_joined: false }) | Err(reason) => {
                Err(FleetError::Worker { name: name.to_string(), reason })
            }
            Ok(word) => Ok((name, word)),
        }
    }

    /// Says it to all of them.
    pub(super) async fn order(&mut self, order: Order) -> Result<(), FleetError> {
        for worker in &mut self.workers {
            worker.tell(&order).await?;
        }
        Ok(())
    }
}

impl Worker {
    async fn tell(&mut self, what: &impl serde::Serialize) -> Result<(), FleetError> {
        let failed = |reason: String| FleetError::Worker { name: self.name.to_string(), reason };
        let text = line(what).map_err(|error| failed(error.to_string()))?;
        self.orders.write_all(text.as_bytes()).await.map_err(|error| failed(format!("ended: {error}")))
    }
}

/// Apart from the terminal's process group: an interrupt is the parent's to pass on.
fn command(program: &Path, core: Option<usize>) -> Command {
    let mut command = match core {
        Some(core) => {
            let mut pinned = Command::new("taskset");
            pinned.args(["-c", &core.to_string()]).arg(program);
            pinned
        }
        None => Command::new(program),
    };
    command.arg(AS_WORKER).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

/// Passes on what a worker says, and its silence.
async fn listen(
    name: Name,
    output: BufReader<tokio::process::ChildStdout>,
    words: mpsc::Sender<(Name, Result<Word, String>)>,
) {
    let mut lines = output.lines();
    loop {
        let word = match lines.next_line().await {
            Ok(Some(text)) => read::<Word>(&text),
            Ok(None) => Err("ended before its work was done".into()),
            Err(error) => Err(error.to_string()),
        };
        let is_last = matches!(word, Ok(Word::Done { .. } | Word::Failed { .. }) | Err(_));
        if words.send((name.clone(), word)).await.is_err() || is_last {
            return;
        }
    }
}
