//! What one call says about a run: the scenario, the servers, the secret, and by how many threads and processes.
//!
//! Owns the flags that runs and searches share, and the way from them to a report.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use swarm::{
    Ceiling, Control, Fleet, FleetError, MetricsEndpoint, Options, Report, Scenario, ServerProcess,
    SwarmError,
};
use tokio::runtime::Runtime;

use crate::cli::{BAD_SCENARIO, Check, Stop};

#[derive(Args)]
pub(crate) struct Call {
    #[command(flatten)]
    check: Check,
    /// Gateway address; repeat it for several, which replace those of the scenario
    #[arg(long = "target", value_name = "URL")]
    targets: Vec<String>,
    /// Database for the final audit (postgres://… or sqlite://FILE)
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// HS256 secret that the tokens are signed with
    #[arg(long, required_unless_present = "secret_file", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// File that holds the secret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Length of the sending phase, instead of the scenario's
    #[arg(long)]
    duration: Option<String>,
    /// Writes the report as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Server process to measure (`gateway=123`); repeat it for several
    #[arg(long = "pid", value_name = "ROLE=PID", value_parser = server_process)]
    servers: Vec<ServerProcess>,
    /// Server whose Prometheus metrics are read once a second (`gateway=http://127.0.0.1:9090/metrics`); repeat it
    /// for several; the role of a `--pid` as its name joins both
    #[arg(long = "metrics", value_name = "NAME=URL", value_parser = metrics_endpoint)]
    metrics: Vec<MetricsEndpoint>,
    /// Command of a fault that the scenario's phases name (`kill=kill -9 $(cat gateway.pid)`); repeat it for several
    #[arg(long = "fault", value_name = "NAME=COMMAND", value_parser = fault)]
    faults: Vec<(String, String)>,
    /// Worker threads; one keeps the generator on one core
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// Processes that share the run; each gets some of the rooms with all of their members
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    processes: u16,
    /// Cores to put the processes on, in turn
    #[arg(long, value_name = "CORE,…", value_delimiter = ',', requires = "processes")]
    cores: Vec<usize>,
}

impl Call {
    /// One run to its report.
    pub(crate) fn report(&self) -> Result<Report, Stop> {
        let options = self.options()?;
        let report = self.runtime()?.block_on(async {
            let control = options.control.clone();
            interruptible(self.run(Vec::new(), options), control).await
        });
        report.map_err(|error| stop(&error))
    }

    /// A search for the most that the servers bear. An interrupt ends the program.
    pub(crate) fn search(&self) -> Result<Ceiling, Stop> {
        let scenario = self.scenario()?;
        let options = self.options()?;
        let step = async |overrides| {
            self.run(overrides, Options { control: Control::new(), ..options.clone() }).await
        };
        self.runtime()?.block_on(swarm::search(&scenario, step)).map_err(|error| stop(&error))
    }

    /// One run, in this process or in several, with more laid over the scenario.
    async fn run(&self, overrides: Vec<String>, options: Options) -> Result<Report, FleetError> {
        let mut check = self.check();
        check.overrides.extend(overrides);
        if self.processes == 1 {
            let scenario = Scenario::from_file(&check.scenario, &check.overrides)?;
            return Ok(swarm::run(scenario, options).await?);
        }
        let fleet = Fleet {
            scenario: Scenario::read(&check.scenario)?,
            overrides: check.overrides,
            processes: usize::from(self.processes),
            cores: self.cores.clone(),
            program: std::env::current_exe().map_err(FleetError::NotStarted)?,
        };
        swarm::run_fleet(fleet, options).await
    }

    fn runtime(&self) -> Result<Runtime, Stop> {
        runtime(self.threads).map_err(|error| Stop::broken(error.to_string()))
    }

    /// The scenario with the flags laid over it.
    pub(crate) fn scenario(&self) -> Result<Scenario, Stop> {
        self.check().load()
    }

    fn check(&self) -> Check {
        let mut check = self.check.clone();
        check.overrides.extend(self.duration.iter().map(|duration| format!("duration=\"{duration}\"")));
        let quoted: Vec<String> = self.targets.iter().map(|target| format!("{target:?}")).collect();
        if !quoted.is_empty() {
            check.overrides.push(format!("targets=[{}]", quoted.join(",")));
        }
        check
    }

    fn options(&self) -> Result<Options, Stop> {
        let secret = match (&self.secret, &self.secret_file) {
            (Some(secret), _) => secret.clone(),
            (None, Some(path)) => read_secret(path)?,
            (None, None) => String::new(),
        };
        Ok(Options {
            secret,
            database: self.database.clone(),
            faults: self.faults.iter().cloned().collect(),
            processes: self.servers.clone(),
            metrics: self.metrics.clone(),
            progress: true,
            control: Control::new(),
        })
    }
}

fn stop(error: &FleetError) -> Stop {
    let reason = error.to_string();
    match error {
        FleetError::Scenario(_) | FleetError::Run(SwarmError::Scenario(_)) => {
            Stop { code: BAD_SCENARIO, reason }
        }
        FleetError::Run(_)
        | FleetError::NotStarted(_)
        | FleetError::NotJoined { .. }
        | FleetError::Worker { .. }
        | FleetError::Silent => Stop::broken(reason),
    }
}

fn fault(text: &str) -> Result<(String, String), String> {
    let (name, command) = text.split_once('=').ok_or("expected NAME=COMMAND")?;
    Ok((name.to_owned(), command.to_owned()))
}

fn read_secret(path: &Path) -> Result<String, Stop> {
    std::fs::read_to_string(path)
        .map(|text| text.trim_end().to_owned())
        .map_err(|error| Stop::broken(format!("cannot read {}: {error}", path.display())))
}

fn runtime(threads: u16) -> std::io::Result<Runtime> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(usize::from(threads)).enable_all().build()
}

/// The life of one of several processes. It has one thread; more processes are what several cores are for.
pub(crate) fn work() -> Result<ExitCode, Stop> {
    let runtime = runtime(1).map_err(|error| Stop::broken(error.to_string()))?;
    runtime.block_on(swarm::work()).map_err(Stop::broken)?;
    // Its parent has what it wanted; clients that are still hanging up are not waited for.
    Ok(ExitCode::SUCCESS)
}

/// The first interrupt ends the sending phase, the second the program.
async fn interruptible(
    run: impl Future<Output = Result<Report, FleetError>>,
    control: Control,
) -> Result<Report, FleetError> {
    tokio::pin!(run);
    tokio::select! {
        report = &mut run => return report,
        _ = tokio::signal::ctrl_c() => control.finish(),
    }
    tokio::select! {
        report = &mut run => report,
        _ = tokio::signal::ctrl_c() => std::process::exit(1),
    }
}

fn server_process(text: &str) -> Result<ServerProcess, String> {
    let (role, pid) = text.split_once('=').ok_or("expected ROLE=PID")?;
    let pid = pid.parse().map_err(|_| format!("`{pid}` is not a process id"))?;
    Ok(ServerProcess { role: role.to_owned(), pid })
}

fn metrics_endpoint(text: &str) -> Result<MetricsEndpoint, String> {
    let (name, url) = text.split_once('=').ok_or("expected NAME=URL")?;
    if !url.starts_with("http://") {
        return Err(format!("`{url}` is not an http:// address"));
    }
    Ok(MetricsEndpoint { name: name.to_owned(), url: url.to_owned() })
}
