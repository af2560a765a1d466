//! `swarm`: loads a gateway with a scenario and says whether it kept its promises.
//!
//! Exit codes: 0 passed, 99 a threshold, the audit or a comparison failed, 2 bad scenario or arguments, 1 anything else.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::Arguments::parse().obey().unwrap_or_else(|stop| {
        eprintln!("swarm: {}", stop.reason);
        ExitCode::from(stop.code)
    })
}
