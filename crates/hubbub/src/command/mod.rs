//! What each subcommand does: load the configuration for it, set up logging, hand over.

pub mod dev;
pub mod gateway;
pub mod migrate;
pub mod persister;

mod keys;
mod settings;
pub(crate) mod token;

use std::future::Future;
use std::io::{self, Write as _};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use wire::types::Registry;

use crate::cli::{Cli, Command};
use crate::config::{self, Config, Inputs, Loaded, Role};
use crate::exit::Exit;
use crate::logging;
use crate::shutdown::Shutdown;

/// How long threads that are busy outside the runtime's control may hold up an end.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// Carries out the command line. `types`: what the hub understands.
pub fn run(cli: Cli, types: Registry) -> Result<(), Exit> {
    let settings = cli.settings;
    match cli.command {
        Command::Dev(arguments) => {
            let (options, flags) = (arguments.options, arguments.addresses.flags());
            let role = Role::Dev { exposed: options.expose };
            serve(&settings.inputs(flags), role, |config, drain| dev::run(config, options, types, drain))
        }
        Command::Gateway(arguments) => {
            let inputs = settings.inputs(arguments.flags());
            serve(&inputs, Role::Gateway, |config, drain| gateway::run(config, types, drain))
        }
        Command::Persister => serve(&settings.inputs(Vec::new()), Role::Persister, persister::run),
        Command::Migrate => {
            let loaded = prepare(&settings.inputs(Vec::new()), Role::Migrate)?;
            block_on(migrate::run(loaded.config))
        }
        Command::Token(command) => token::run(command, &settings.inputs(Vec::new())),
        Command::Keys(command) => keys::run(command, &settings.inputs(Vec::new())),
        Command::Config(command) => settings::run(command, &settings.inputs(Vec::new())),
    }
}

/// Runs a role until it ends by itself or is told to drain.
fn serve<F>(
    inputs: &Inputs,
    role: Role,
    start: impl FnOnce(Config, CancellationToken) -> F,
) -> Result<(), Exit>
where
    F: Future<Output = Result<(), Exit>>,
{
    let loaded = prepare(inputs, role)?;
    block_on(async move {
        let shutdown =
            Shutdown::listen().map_err(|error| Exit::failure("cannot listen for signals", error))?;
        start(loaded.config, shutdown.token()).await
    })
}

/// Loads the configuration, sets up logging and tells what surprises.
fn prepare(inputs: &Inputs, role: Role) -> Result<Loaded, Exit> {
    let loaded = config::load(inputs, role)?;
    logging::install(&loaded.config.log)?;
    for warning in &loaded.warnings {
        tracing::warn!(settings = warning.keys.join(", "), reason = warning.says, "questionable setting");
    }
    Ok(loaded)
}

fn block_on(future: impl Future<Output = Result<(), Exit>>) -> Result<(), Exit> {
    let runtime: Runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Exit::failure("cannot start the runtime", error))?;
    let ended = runtime.block_on(future);
    runtime.shutdown_timeout(LAST_THREADS);
    ended
}

/// Prints what was asked for. A reader that has seen enough (`| head`) is no failure.
fn print(text: &str) -> Result<(), Exit> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Exit::failure("cannot print", error)),
        _ => Ok(()),
    }
}
