//! Logs to standard error, so that standard output stays free for what a command is asked for.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::util::TryInitError;

use crate::config::{LogConfig, LogFormat};
use crate::exit::Exit;

/// Sends every event of the process where the configuration says. Can be done once per process.
pub fn install(config: &LogConfig) -> Result<(), Exit> {
    let filter =
        EnvFilter::builder().parse(&config.filter).map_err(|error| Exit::failure("log.filter", error))?;
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr);
    let installed: Result<(), TryInitError> = match config.format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    };
    installed.map_err(|error| Exit::failure("cannot set up logging", error))
}
