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
    client::pace,
    judge::database::{Database, DatabaseError},
    measure::procfs,
    measure::steady::{self, Snapshot, Window},
    report::progress,
    report::result::{IdleCost, Report, Verdict},
    report::verdict,
    run::control::Stage,
    run::options::{Options, ServerProcess},
    run::settle::{self, Sent},
    run::world::World,
    scenario::load::{Kind, Scenario, ScenarioError},
    wire::token,
};

/// Between the last join and the first measurement of an idle run.
const REST: Duration = Duration::from_secs(3);
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
}

/// Runs a scenario to its report. Dropping the future ends all clients.
pub async fn run(scenario: Scenario, options: Options) -> Result<Report, SwarmError> {
    scenario.validate()?;
    check_file_limit(scenario.users)?;
    check_database(&scenario, &options)?;
    let database = match &options.database {
        Some(url) => Some(Database::connect(url).await?),
        None => None,
    };
    let world = Arc::new(World::build(scenario, &options)?);
    let processes = steady::watched(&world.scenario, &options);
    let progress = options.progress.then(|| progress::start(Arc::clone(&world)));
    let empty = steady::snapshot(&world, &processes);
    let mut clients = ramp_up(&world).await?;
    let measured = match world.scenario.kind {
        Kind::Chat => send(&world, &processes).await,
        Kind::Idle => stay_silent(&world, &processes, &empty).await,
    };
    if world.scenario.kind == Kind::Chat {
        settle::settle(&world, measured.sent, database.as_ref()).await?;
    }
    world.control.enter(Stage::Closing);
    let _ = timeout(GOODBYE, async { while clients.join_next().await.is_some() {} }).await;
    drop(progress);
    Ok(report(&world, measured, database.is_some()))
}

/// A peer's database holds nothing that could be compared.
fn check_database(scenario: &Scenario, options: &Options) -> Result<(), ScenarioError> {
    if scenario.peer && options.database.is_some() {
        let reason = "there is no database to compare".into();
        return Err(ScenarioError::Contradiction { key: "peer", reason });
    }
    Ok(())
}

fn check_file_limit(users: usize) -> Result<(), SwarmError> {
    match procfs::open_file_limit() {
        Some(limit) if users as u64 + SPARE_FILES > limit => Err(SwarmError::FileLimit { users, limit }),
        Some(_) | None => Ok(()),
    }
}

/// Starts the clients at the scenario's rate and waits until all of them have joined their rooms.
async fn ramp_up(world: &Arc<World>) -> Result<JoinSet<()>, SwarmError> {
    let scenario = &world.scenario;
    let mut clients = JoinSet::new();
    let began = Instant::now();
    for user in 0..scenario.users {
        tokio::time::sleep_until(began + Duration::from_secs_f64(user as f64 / scenario.connect_rate)).await;
        let token = token::mint(&world.secret, user)?;
        clients.spawn(Client::new(Arc::clone(world), user, token).live());
    }
    let everyone = scenario.users as u64;
    let all_joined = async {
        let mut looks = interval(Duration::from_millis(20));
        while world.tally.joined.get() < everyone {
            looks.tick().await;
        }
    };
    if timeout(scenario.ramp, all_joined).await.is_err() {
        let joined = world.tally.joined.get();
        return Err(SwarmError::NotJoined { joined, users: scenario.users, errors: world.tally.errors() });
    }
    Ok(clients)
}

/// The sending phase: warm-up, then the measured window until the duration or `finish` ends it.
async fn send(world: &World, processes: &[ServerProcess]) -> Measured {
    let scenario = &world.scenario;
    let since = Instant::now();
    world.measure_from(since + scenario.warmup);
    world.control.enter(Stage::Sending { since });
    sleep_or_finish(world, scenario.warmup).await;
    let before = steady::snapshot(world, processes);
    if scenario.duration.is_zero() {
        world.control.finished().await;
    } else {
        sleep_or_finish(world, scenario.duration).await;
    }
    let until = Instant::now();
    let after = steady::snapshot(world, processes);
    let intended = pace::due_before(until - since, scenario.rate);
    Measured {
        window: steady::window(&before, &after, processes),
        sent: Sent { since, until, intended },
        idle: None,
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
    }
}

fn report(world: &World, measured: Measured, database_audited: bool) -> Report {
    let scenario = &world.scenario;
    let latencies = world.latency.read();
    let seconds = measured.window.span.as_secs_f64();
    let per_second = |count: u64| count as f64 / seconds.max(f64::EPSILON);
    let mut report = Report {
        verdict: Verdict::Failed,
        failures: Vec::new(),
        findings: world.tally.findings(),
        warnings: Vec::new(),
        scenario: scenario.name.clone(),
        run: world.run.id.clone(),
        targets: world.addresses.clone(),
        users: scenario.users,
        rooms: scenario.rooms,
        seconds,
        intended: measured.sent.intended,
        counters: world.tally.read(),
        errors: world.tally.errors(),
        delivered_per_second: per_second(measured.window.delivered),
        acknowledged_per_second: per_second(measured.window.acknowledged),
        latency: latencies.intended,
        latency_from_send: latencies.sent,
        latency_recovered: latencies.recovered,
        generator_lag: latencies.lag,
        generator_cores: measured.window.generator_cores,
        servers: measured.window.servers,
        idle: measured.idle,
        database_audited,
    };
    verdict::pronounce(&mut report, &scenario.thresholds);
    report
}
