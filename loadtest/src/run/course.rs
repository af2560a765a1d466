//! One run from the first connection to the report.
//!
//! Owns the order of things and the clients' tasks: ramp up, send, settle, audit, hang up. Everything that can take
//! long has a deadline; a dropped run takes its clients with it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep, timeout},
};

use crate::{
    client::life::Client,
    feed::{self, FeedError},
    fleet::limits,
    judge::database::{Database, DatabaseError},
    measure::procfs,
    measure::record::Record,
    measure::recorder::Recorder,
    measure::steady::{self, Snapshot, Window},
    measure::watch::Watch,
    report::compose::{Servers, compose},
    report::progress,
    report::result::{IdleCost, Report},
    run::conductor::{self, Conducted},
    run::control::Stage,
    run::options::{Options, ServerProcess},
    run::settle::{self, Sent},
    run::world::{Membership, World},
    scenario::load::{Kind, Scenario, ScenarioError},
    wire::token,
};

/// Between the last join and the first measurement of an idle run.
pub(crate) const REST: Duration = Duration::from_secs(3);
/// Clients that hang up need no longer.
const GOODBYE: Duration = Duration::from_secs(5);
/// Files besides the connections: the runtime's, the database's, standard streams, history requests.
const SPARE_FILES: u64 = 64;

/// Why a run has no report.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// The scenario is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The tokens could not be signed.
    #[error("cannot sign tokens: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// The HTTP client for the history could not be made.
    #[error("cannot make an HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// The events of the feed could not be made.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The database could not be read.
    #[error("cannot read the database: {0}")]
    Database(#[from] DatabaseError),
    /// Not everyone could connect and join in time.
    #[error("{joined} of {users} users joined in time; errors: {errors:?}")]
    NotJoined {
        /// Who did.
        joined: u64,
        /// Who should have.
        users: usize,
        /// What was in the way, by code.
        errors: BTreeMap<String, u64>,
    },
    /// More connections than this process may have open files.
    #[error("{users} users need more open files than this process may have ({limit})")]
    FileLimit {
        /// Users wanted.
        users: usize,
        /// Files allowed.
        limit: u64,
    },
}

/// What the phases before the audit found out.
struct Measured {
    window: Window,
    sent: Sent,
    idle: Option<IdleCost>,
    /// Herds may still be on their way back.
    conducted: Conducted,
}

/// Runs a scenario to its report. Dropping the future ends all clients.
pub async fn run(scenario: Scenario, options: Options) -> Result<Report, SwarmError> {
    let scenario = scenario.complete()?;
    let source_addresses = limits::source_addresses(&scenario);
    let scenario = Scenario { source_addresses, ..scenario };
    let (record, servers) = measure(scenario.clone(), options).await?;
    Ok(compose(record, &scenario, servers))
}

/// Runs a scenario, or one process's part of it, to what was measured. `scenario` is complete.
pub(crate) async fn measure(scenario: Scenario, options: Options) -> Result<(Record, Servers), SwarmError> {
    check_file_limit(scenario.users)?;
    check_database(&scenario, &options)?;
    check_faults(&scenario, &options)?;
    let database = match &options.database {
        Some(url) => Some(Database::connect(url).await?),
        None => None,
    };
    let world = Arc::new(World::build(scenario, &options)?);
    let processes = steady::watched(&world.scenario, &options);
    let mut recorder = Recorder::start(&world);
    let progress = options.progress.then(|| progress::start(Arc::clone(&world), recorder.series()));
    let watch = Watch::start(&processes, &options.metrics, world.marks.began());
    let empty = steady::snapshot(&world, &processes);
    if world.books() {
        feed::prepare(&world).await?;
    }
    let mut clients = ramp_up(&world).await?;
    world.control.signal().await;
    let measured = match world.scenario.kind {
        Kind::Chat | Kind::Feed => send(&world, &processes).await,
        Kind::Idle => stay_silent(&world, &processes, &empty).await,
    };
    match world.scenario.kind {
        Kind::Chat => settle::settle(&world, measured.sent, database.as_ref()).await?,
        Kind::Feed => feed::settle(&world, measured.sent).await,
        Kind::Idle => {}
    }
    recorder.stop(&world);
    world.control.enter(Stage::Closing);
    let _ = timeout(GOODBYE, async { while clients.join_next().await.is_some() {} }).await;
    drop(progress);
    let Measured { window, sent, idle, conducted } = measured;
    drop(conducted);
    let record = recorder.finish(&world, &window, sent.intended);
    let servers = Servers {
        processes: window.processes,
        idle,
        watched: watch.seen(),
        database_audited: database.is_some(),
    };
    Ok((record, servers))
}

/// A peer's database holds nothing that could be compared.
fn check_database(scenario: &Scenario, options: &Options) -> Result<(), ScenarioError> {
    if scenario.peer && options.database.is_some() {
        let reason = "there is no database to compare".into();
        return Err(ScenarioError::Contradiction { key: "peer", reason });
    }
    Ok(())
}

/// Every fault that a phase names must have its command.
fn check_faults(scenario: &Scenario, options: &Options) -> Result<(), ScenarioError> {
    let planned = scenario.plan().faults;
    match planned.iter().find(|planned| !options.faults.contains_key(&planned.fault)) {
        Some(planned) => {
            let reason = format!("no command is given for `{}`", planned.fault);
            Err(ScenarioError::Contradiction { key: "phases.fault", reason })
        }
        None => Ok(()),
    }
}

fn check_file_limit(users: usize) -> Result<(), SwarmError> {
    match limits::raise_open_files().or_else(procfs::open_file_limit) {
        Some(limit) if users as u64 + SPARE_FILES > limit => Err(SwarmError::FileLimit { users, limit }),
        Some(_) | None => Ok(()),
    }
}

/// Starts the clients at the scenario's rate and waits until all of them have joined their rooms who are to be there
/// from the beginning.
async fn ramp_up(world: &Arc<World>) -> Result<JoinSet<()>, SwarmError> {
    let scenario = &world.scenario;
    let mut clients = JoinSet::new();
    let began = Instant::now();
    let mut early = 0;
    for index in 0..scenario.users {
        let Membership { party, place } = world.membership(index);
        let stays = world.plan.stays(place, world.parties[party].group.users);
        if stays.first().is_some_and(|stay| stay.from.is_zero()) {
            let turn = Duration::from_secs_f64(early as f64 / scenario.connect_rate);
            tokio::time::sleep_until(began + turn).await;
            early += 1;
        }
        let user = scenario.first_user + index;
        let token = token::mint(&world.secret, user)?;
        match scenario.kind {
            Kind::Chat | Kind::Idle => {
                clients.spawn(Client::new(Arc::clone(world), index, token).live(stays))
            }
            Kind::Feed => clients.spawn(feed::live(Arc::clone(world), index, token)),
        };
    }
    let all_joined = async {
        let mut looks = interval(Duration::from_millis(20));
        while world.tally.joined.get() < early {
            looks.tick().await;
        }
    };
    if timeout(scenario.ramp, all_joined).await.is_err() {
        let joined = world.tally.joined.get();
        let users = usize::try_from(early).unwrap_or(usize::MAX);
        return Err(SwarmError::NotJoined { joined, users, errors: world.tally.errors() });
    }
    Ok(clients)
}

/// The sending phases: from the warm-up to the end of the plan, or until `finish` ends them.
async fn send(world: &Arc<World>, processes: &[ServerProcess]) -> Measured {
    let since = Instant::now();
    world.measure_from(since + world.scenario.warmup);
    world.control.enter(Stage::Sending { since });
    let mut conducted = conductor::conduct(world, since);
    sleep_or_finish(world, world.scenario.warmup).await;
    let before = steady::snapshot(world, processes);
    match world.plan.length {
        Some(length) => sleep_or_finish(world, (since + length) - Instant::now()).await,
        None => world.control.finished().await,
    }
    let until = Instant::now();
    let after = steady::snapshot(world, processes);
    let intended = world.due_before(until - since);
    conducted.leave_off(world).await;
    Measured {
        window: steady::window(&before, &after, processes),
        sent: Sent { since, until, intended },
        idle: None,
        conducted,
    }
}

async fn sleep_or_finish(world: &World, span: Duration) {
    tokio::select! {
        () = sleep(span) => {}
        () = world.control.finished() => {}
    }
}

/// The idle phase: let the servers rest, then see what the silence costs.
async fn stay_silent(world: &World, processes: &[ServerProcess], empty: &Snapshot) -> Measured {
    sleep(REST).await;
    let rested = steady::snapshot(world, processes);
    sleep_or_finish(world, world.scenario.duration).await;
    let later = steady::snapshot(world, processes);
    let now = Instant::now();
    let idle = steady::idle_cost(world.scenario.users, empty, &rested, &later, processes);
    Measured {
        window: steady::window(&rested, &later, processes),
        sent: Sent { since: now, until: now, intended: 0 },
        idle: (!processes.is_empty()).then_some(idle),
        conducted: Conducted::default(),
    }
}
