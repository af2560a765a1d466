//! The whole program in one call, for `main` and for programs that add message types of their own.

use std::process::ExitCode;

use wire::types::{AlreadyRegistered, CustomHandler, Registry};

use crate::exit::Exit;
use crate::{cli, command};

/// Runs the program as its command line says, and returns its exit code. The hub understands `types` beside those that
/// are built in. Call it first in `main`, outside of any runtime, and once.
pub fn run(types: Vec<CustomHandler>) -> ExitCode {
    // Before anything can open a connection: two providers in one process would mean a panic at the first handshake.
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing before the first line of main installs a provider");
    let outcome = registry(types)
        .map_err(|error| Exit::failure("cannot register the message types", error))
        .and_then(|types| command::run(cli::parse(), types));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            eprintln!("hubbub: {exit}");
            ExitCode::from(exit.code())
        }
    }
}

fn registry(types: Vec<CustomHandler>) -> Result<Registry, AlreadyRegistered> {
    types.into_iter().try_fold(Registry::built_in(), Registry::with)
}
