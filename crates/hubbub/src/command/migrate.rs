//! `hubbub migrate`: brings the database to the newest schema.

use crate::config::Config;
use crate::exit::Exit;
use crate::wiring;

/// Migrates; idempotent, and safe to run twice at once.
pub async fn run(config: Config) -> Result<(), Exit> {
    let url = wiring::needed(config.database.url.as_ref(), "database.url")?;
    store::migrate(url.expose()).await.map_err(|error| wiring::dependency("the database", url, &error))?;
    tracing::info!(database = %url.address(), "the schema is the newest");
    Ok(())
}
