//! `hubbub`: a checklist. Every step is a module of the library.

use std::process::ExitCode;

use hubbub::{cli, command};

fn main() -> ExitCode {
    // Before anything can open a connection: two providers in one process would mean a panic at the first handshake.
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing before the first line of main installs a provider");
    match command::run(cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            eprintln!("hubbub: {exit}");
            ExitCode::from(exit.code())
        }
    }
}
