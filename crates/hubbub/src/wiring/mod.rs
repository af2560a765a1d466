//! Which implementation stands behind which port: the only place that knows (invariant 2).

pub(crate) mod data;
pub(crate) mod edge;
pub(crate) mod options;
pub(crate) mod worker;

use std::sync::Arc;

use broker::redis::RedisNode;
use domain::NodeId;
use domain::node::{Node, Ports};
use domain::ports::PortError;
use gateway::Authenticator;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use store::Opened;

use crate::config::{Config, ServiceUrl};
use crate::exit::Exit;

/// A setting that the command cannot do without; `config::load` has refused its absence already.
pub(crate) fn needed<'a>(url: Option<&'a ServiceUrl>, key: &str) -> Result<&'a ServiceUrl, Exit> {
    url.ok_or_else(|| Exit::Usage(format!("{key} is not set")))
}

/// The database that the configuration names, asked once whether it answers with the schema that we need.
pub(crate) async fn opened(config: &Config) -> Result<Opened, Exit> {
    let url = needed(config.database.url.as_ref(), "database.url")?;
    let opened = store::open(url.expose(), options::store(config)).await;
    let opened = opened.map_err(|error| Exit::failure("cannot use database.url", error))?;
    opened.store.ready().await.map_err(|error| dependency("the database", url, &error))?;
    Ok(opened)
}

/// What a port's failure at start means for the exit code.
pub(crate) fn dependency(name: &'static str, url: &ServiceUrl, error: &PortError) -> Exit {
    match error {
        PortError::Refused(reason) => {
            Exit::failure(format!("cannot use {name} at {}", url.address()), reason)
        }
        PortError::Unavailable(_) | PortError::Deadline | PortError::Overloaded(_) | PortError::Fenced => {
            Exit::unavailable(name, url.address(), error)
        }
    }
}

/// A node on Redis and the configured database.
pub(crate) async fn redis_node(
    config: &Config,
    id: NodeId,
    authenticator: Arc<Authenticator>,
) -> Result<(Arc<Node>, Arc<RedisNode>), Exit> {
    let database = opened(config).await?;
    let url = needed(config.redis.url.as_ref(), "redis.url")?;
    let unreachable = |error| dependency("Redis", url, &error);
    let mut redis = options::redis(config, url, config.presence.lease);
    let instance = broker::redis::instance(&redis).await.map_err(unreachable)?;
    // Written before the first number can be issued.
    let virgin = database.store.begins(&instance).await;
    redis.virgin = virgin.map_err(|error| Exit::failure("cannot read the database", error))?;
    let redis = RedisNode::connect(redis, id.clone()).await.map_err(unreachable)?;
    let ports = Ports {
        broker: redis.clone(),
        presence: redis.clone(),
        store: database.store,
        directory: database.directory,
        notes: redis.clone(),
        bookings: database.bookings,
        uploads: database.uploads,
        tokens: authenticator,
        sealer: options::sealer(config),
    };
    Ok((Node::new(id, options::limits(config), options::policies(config), ports), redis))
}

/// Installs the recorder of this process's metrics.
pub(crate) fn metrics() -> Result<PrometheusHandle, Exit> {
    PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Exit::failure("cannot install the metrics recorder", error))
}
