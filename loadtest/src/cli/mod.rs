//! The command line: subcommands, exit codes, files.
//!
//! Owns what belongs to one call on one machine. Everything that is worth knowing is done by the library.

mod baseline;
mod call;
mod capacity;
mod compare;
mod files;
mod render;
mod run;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use swarm::Scenario;

/// A promise, a threshold or a comparison failed.
const FAILED: u8 = 99;
const BAD_SCENARIO: u8 = 2;
const BROKEN: u8 = 1;

#[derive(Parser)]
#[command(name = "swarm", version, about = "A scripted client swarm that loads a chat gateway and judges it")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a scenario; exit 0 passed, 99 failed, 2 bad scenario, 1 anything else
    Run(Box<run::Run>),
    /// Raises the load by the scenario's `[capacity]` until something breaks; exit 99 if nothing held
    Capacity(Box<capacity::Search>),
    /// One process of several; started by `run --processes`
    #[command(hide = true)]
    Worker,
    /// Reads a scenario and names its first mistake
    Check(Check),
    /// Sets reports beside one another; exit 99 if something got worse
    Compare(compare::Compare),
    /// Keeps reports as what later runs are held against
    Baseline(baseline::Baseline),
    /// Shows a report again: in words, and as a page
    Report(render::Render),
}

/// A scenario and what is laid over it.
#[derive(Args, Clone)]
struct Check {
    /// The scenario
    scenario: PathBuf,
    /// Overrides a key of the scenario (`thresholds.p99=20ms`)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

/// A reason to stop, with its exit code.
pub(crate) struct Stop {
    pub(crate) code: u8,
    pub(crate) reason: String,
}

impl Stop {
    fn broken(reason: impl Into<String>) -> Self {
        Self { code: BROKEN, reason: reason.into() }
    }
}

impl Arguments {
    pub(crate) fn obey(self) -> Result<ExitCode, Stop> {
        match self.command {
            Command::Run(run) => run.start(),
            Command::Capacity(search) => search.start(),
            Command::Worker => call::work(),
            Command::Check(check) => check.say(),
            Command::Compare(compare) => compare.start(),
            Command::Baseline(baseline) => baseline.start(),
            Command::Report(render) => render.start(),
        }
    }
}

impl Check {
    fn load(&self) -> Result<Scenario, Stop> {
        Scenario::from_file(&self.scenario, &self.overrides)
            .map_err(|error| Stop { code: BAD_SCENARIO, reason: error.to_string() })
    }

    fn say(&self) -> Result<ExitCode, Stop> {
        let scenario = self.load()?;
        println!("{}: {} users in {} rooms", scenario.name, scenario.users, scenario.rooms);
        Ok(ExitCode::SUCCESS)
    }
}

/// 0 or 99.
fn verdict(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}
