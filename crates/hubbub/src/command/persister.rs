//! `hubbub persister`: one worker from Redis' journal to the database. Any number may run.

use broker::redis::RedisJournal;
use domain::NodeId;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::exit::Exit;
use crate::node_name::node_name;
use crate::wiring::edge::listen;
use crate::wiring::{self, options, worker};

/// Runs until `drain` is cancelled and the batch under way is committed.
pub async fn run(config: Config, drain: CancellationToken) -> Result<(), Exit> {
    let metrics = wiring::metrics()?;
    let store = wiring::opened(&config).await?.store;
    let url = wiring::needed(config.redis.url.as_ref(), "redis.url")?;
    let name = NodeId::boot(&node_name(config.persister.name.as_deref()));
    let redis = options::redis(&config, url, config.persister.lease);
    let journal = RedisJournal::connect(redis, name.as_str())
        .await
        .map_err(|error| wiring::dependency("Redis", url, &error))?;
    let admin = listen(config.server.admin_listen)?;
    tracing::info!(worker = %name, admin = %config.server.admin_listen, "persister is up");
    worker::work(journal, store, options::persister(&config), admin, metrics, drain).await;
    Ok(())
}
