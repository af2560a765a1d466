//! `hubbub migrate`: hands the configuration over to the wiring.

use crate::config::Config;
use crate::exit::Exit;

/// Brings the database to the newest schema.
pub async fn run(_config: Config) -> Result<(), Exit> {
    Err(Exit::Failure("this build has no migrations".to_owned()))
}
