//! `swarm`: loads a gateway with a scenario and says whether it kept its promises.
//!
//! Exit codes: 0 passed, 99 a threshold or the audit failed, 2 bad scenario or arguments, 1 anything else.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use swarm::{Control, Options, Report, Scenario, ServerProcess, SwarmError, Verdict};

const FAILED: u8 = 99;
const BAD_SCENARIO: u8 = 2;

#[derive(Parser)]
#[command(name = "swarm", version, about = "A scripted client swarm that loads a chat gateway and judges it")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a scenario; exit 0 passed, 99 failed, 2 bad scenario, 1 anything else
    Run(Box<Run>),
    /// Reads a scenario and names its first mistake
    Check(Check),
}

#[derive(Args)]
struct Check {
    /// The scenario
    scenario: PathBuf,
    /// Overrides a key of the scenario (`thresholds.p99=20ms`)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

#[derive(Args)]
struct Run {
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
    json: Option<PathBuf>,
    /// Server process to measure (`gateway=123`); repeat it for several
    #[arg(long = "pid", value_name = "ROLE=PID", value_parser = server_process)]
    processes: Vec<ServerProcess>,
    /// Worker threads; one keeps the generator on one core
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
}

/// A reason to stop, with its exit code.
struct Stop {
    code: u8,
    reason: String,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(run) => start(&run),
        Command::Check(check) => load(&check).map(|scenario| {
            println!("{}: {} users in {} rooms", scenario.name, scenario.users, scenario.rooms);
            ExitCode::SUCCESS
        }),
    };
    outcome.unwrap_or_else(|stop| {
        eprintln!("swarm: {}", stop.reason);
        ExitCode::from(stop.code)
    })
}

fn load(check: &Check) -> Result<Scenario, Stop> {
    Scenario::from_file(&check.scenario, &check.overrides)
        .map_err(|error| Stop { code: BAD_SCENARIO, reason: error.to_string() })
}

fn start(run: &Run) -> Result<ExitCode, Stop> {
    let scenario = scenario(run)?;
    let options = options(run)?;
    let report = runtime(run.threads)
        .and_then(|runtime| {
            runtime.block_on(until_done(scenario, options)).map_err(|error| error.to_string())
        })
        .map_err(|reason| Stop { code: 1, reason })?;
    print!("{report}");
    if let Some(path) = &run.json {
        write_json(&report, path)?;
    }
    Ok(match report.verdict {
        Verdict::Passed => ExitCode::SUCCESS,
        Verdict::Failed => ExitCode::from(FAILED),
    })
}

/// The scenario with the flags laid over it.
fn scenario(run: &Run) -> Result<Scenario, Stop> {
    let mut overrides = run.check.overrides.clone();
    overrides.extend(run.duration.iter().map(|duration| format!("duration=\"{duration}\"")));
    let quoted: Vec<String> = run.targets.iter().map(|target| format!("{target:?}")).collect();
    if !quoted.is_empty() {
        overrides.push(format!("targets=[{}]", quoted.join(",")));
    }
    load(&Check { scenario: run.check.scenario.clone(), overrides })
}

fn options(run: &Run) -> Result<Options, Stop> {
    let secret = match (&run.secret, &run.secret_file) {
        (Some(secret), _) => secret.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map(|text| text.trim_end().to_owned())
            .map_err(|error| Stop { code: 1, reason: format!("cannot read {}: {error}", path.display()) })?,
        (None, None) => String::new(),
    };
    Ok(Options {
        secret,
        database: run.database.clone(),
        processes: run.processes.clone(),
        progress: true,
        control: Control::new(),
    })
}

fn runtime(threads: u16) -> Result<tokio::runtime::Runtime, String> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(usize::from(threads)).enable_all().build().map_err(|error| error.to_string())
}

/// The first interrupt ends the sending phase, the second the program.
async fn until_done(scenario: Scenario, options: Options) -> Result<Report, SwarmError> {
    let control = options.control.clone();
    let run = swarm::run(scenario, options);
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

fn write_json(report: &Report, path: &std::path::Path) -> Result<(), Stop> {
    let text = serde_json::to_string_pretty(report).map_err(|error| error.to_string());
    text.and_then(|text| std::fs::write(path, text).map_err(|error| error.to_string()))
        .map_err(|reason| Stop { code: 1, reason: format!("cannot write {}: {reason}", path.display()) })
}

fn server_process(text: &str) -> Result<ServerProcess, String> {
    let (role, pid) = text.split_once('=').ok_or("expected ROLE=PID")?;
    let pid = pid.parse().map_err(|_| format!("`{pid}` is not a process id"))?;
    Ok(ServerProcess { role: role.to_owned(), pid })
}
