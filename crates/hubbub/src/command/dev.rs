//! `hubbub dev`: hands the configuration over to the wiring.

use tokio_util::sync::CancellationToken;

use crate::cli::DevOptions;
use crate::config::Config;
use crate::exit::Exit;

/// Runs until `drain` is cancelled and everything in flight is finished.
pub async fn run(_config: Config, _options: DevOptions, _drain: CancellationToken) -> Result<(), Exit> {
    Err(Exit::Failure("this build has no embedded mode".to_owned()))
}
