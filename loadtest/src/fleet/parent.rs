//! The parent of a run in several processes: it divides the scenario, gives the signal, watches the servers, and merges
//! what the workers measured into one report with one verdict.
//!
//! Owns the order of things across processes. It has no clients of its own. Every wait has a deadline, and a worker that
//! fails ends the run: half a load is not the load that was asked for.

use std::{path::PathBuf, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    fleet::{
        crew::Crew,
        limits,
        orders::{Assignment, Order, Word, unix_now},
        shown::Shown,
    },
    measure::{
        record::Record,
        steady::{self, Snapshot},
        tally::Tally,
        watch::Watch,
    },
    report::{
        compose::{Servers, compose},
        progress,
        result::Report,
    },
    run::{
        control::Control,
        course::{REST, SwarmError},
        options::{Options, ServerProcess},
    },
    scenario::load::{Kind, Scenario, ScenarioError},
};

/// Between the last join and the beginning of the phases: longer than a line needs to reach a worker.
const HEAD_START: Duration = Duration::from_millis(300);
/// What a worker may need for its start, its audit and its goodbye, beyond what the scenario allows for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Several processes for one run.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The scenario as it stands in its file.
    pub scenario: String,
    /// What is laid over it (`key=value`).
    pub overrides: Vec<String>,
    /// How many workers; each gets at least one room.
    pub processes: usize,
    /// Cores to put the workers on, in turn; none: wherever the system likes.
    pub cores: Vec<usize>,
    /// This very program, which becomes a worker when it is started with `worker`.
    pub program: PathBuf,
}

/// Why a run in several processes has no report.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The scenario is wrong, or cannot be divided so often.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A run in this process failed.
    #[error(transparent)]
    Run(#[from] SwarmError),
    /// No process could be started.
    #[error("cannot start a worker: {0}")]
    NotStarted(std::io::Error),
    /// One of the workers is gone or could not do its part.
    #[error("{name}: {reason}")]
    Worker {
        /// Which one.
        name: String,
        /// What it said last, or that it said nothing.
        reason: String,
    },
    /// One of the workers could not bring all of its clients in.
    #[error("{name}: {reason}")]
    NotJoined {
        /// Which one.
        name: String,
        /// How many were in, and what was in the way.
        reason: String,
    },
    /// Workers neither worked nor failed.
    #[error("the workers fell silent")]
    Silent,
}

/// Runs a scenario in several processes to its one report. Dropping the future ends all workers. `options.control` knows
/// `finish`; its counters stay at zero.
pub async fn run_fleet(fleet: Fleet, options: Options) -> Result<Report, FleetError> {
    let scenario = Scenario::from_toml(&fleet.scenario, &fleet.overrides)?;
    for part in 0..fleet.processes {
        scenario.slice(part, fleet.processes)?;
    }
    limits::raise_open_files();
    let processes = steady::watched(&scenario, &options);
    let watch = Watch::start(&processes, &options.metrics, Instant::now());
    let empty = look(&processes);
    let crew = Crew::start(&fleet.program, &fleet.cores, assignments(&fleet, &options)).await?;
    let shown = Shown::new(&scenario.name, scenario.users, crew.len());
    let seen = shown.clone();
    let progress = options.progress.then(|| progress::show(move || seen.glimpse()));
    let mut run = Run { scenario: &scenario, control: options.control.clone(), crew, shown, processes };
    let looks = run.conduct().await?;
    let record = run.collect().await?;
    drop(progress);
    let processes = &run.processes;
    let idle = (scenario.kind == Kind::Idle && !processes.is_empty())
        .then(|| steady::idle_cost(scenario.users, &empty, &looks.before, &looks.after, processes));
    let servers = Servers {
        processes: steady::window(&looks.before, &looks.after, processes).processes,
        idle,
        watched: watch.seen(),
        database_audited: options.database.is_some(),
    };
    Ok(compose(record, &scenario, servers))
}

fn assignments(fleet: &Fleet, options: &Options) -> Vec<Assignment> {
    let assignment = |part| Assignment {
        scenario: fleet.scenario.clone(),
        overrides: fleet.overrides.clone(),
        part,
        parts: fleet.processes,
        secret: options.secret.clone(),
        database: options.database.clone(),
        faults: options.faults.clone(),
    };
    (0..fleet.processes).map(assignment).collect()
}

/// The servers now; the parent counts no messages of its own.
fn look(processes: &[ServerProcess]) -> Snapshot {
    steady::snapshot_of(&Tally::default(), processes)
}

/// The ends of the measured window.
struct Looks {
    before: Snapshot,
    after: Snapshot,
}

struct Run<'a> {
    scenario: &'a Scenario,
    control: Control,
    crew: Crew,
    shown: Shown,
    processes: Vec<ServerProcess>,
}

impl Run<'_> {
    /// From the first connection to the last message that is due.
    async fn conduct(&mut self) -> Result<Looks, FleetError> {
        let connecting = Duration::from_secs_f64(self.scenario.users as f64 / self.scenario.connect_rate);
        let joined = timeout(connecting + self.scenario.ramp + PATIENCE, self.everyone_joined());
        joined.await.map_err(|_| FleetError::Silent)??;
        let begin = Instant::now() + HEAD_START;
        let at = u64::try_from((unix_now() + HEAD_START).as_micros()).unwrap_or(u64::MAX);
        self.crew.order(Order::Begin { at }).await?;
        let (from, length) = match self.scenario.kind {
            Kind::Chat | Kind::Feed => (self.scenario.warmup, self.scenario.plan().length),
            Kind::Idle => (REST, Some(REST + self.scenario.duration)),
        };
        self.shown.enter("sending");
        self.until(Some(begin + from)).await?;
        let before = look(&self.processes);
        self.until(length.map(|length| begin + length)).await?;
        let after = look(&self.processes);
        self.shown.enter("settling");
        Ok(Looks { before, after })
    }

    async fn everyone_joined(&mut self) -> Result<(), FleetError> {
        let mut missing = self.crew.len();
        while missing > 0 {
            let (name, word) = self.crew.hear().await?;
            match word {
                Word::Joined => missing -= 1,
                other => self.shown.note(name.part, other),
            }
        }
        Ok(())
    }

    /// Waits for a moment (for ever, where there is none) or until somebody says that it is enough, which is passed on.
    async fn until(&mut self, moment: Option<Instant>) -> Result<(), FleetError> {
        let control = self.control.clone();
        let reached = async {
            match moment {
                Some(moment) => sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(reached);
        loop {
            tokio::select! {
                () = &mut reached => return Ok(()),
                () = control.finished() => return self.crew.order(Order::Finish).await,
                heard = self.crew.hear() => {
                    let (name, word) = heard?;
                    self.shown.note(name.part, word);
                }
            }
        }
    }

    /// Everybody's last word, merged.
    async fn collect(&mut self) -> Result<Record, FleetError> {
        let patience = self.scenario.settle * 2 + self.scenario.persistence + PATIENCE;
        timeout(patience, self.last_words()).await.map_err(|_| FleetError::Silent)?
    }

    async fn last_words(&mut self) -> Result<Record, FleetError> {
        let (mut merged, mut missing) = (Record::default(), self.crew.len());
        while missing > 0 {
            let (name, word) = self.crew.hear().await?;
            match word {
                Word::Done { record } => {
                    merged = merged.merge(*record);
                    missing -= 1;
                }
                other => self.shown.note(name.part, other),
            }
        }
        Ok(merged)
    }
}
