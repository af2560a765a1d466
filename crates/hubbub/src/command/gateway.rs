//! `hubbub gateway`: one stateless node on Redis and the database.

use std::sync::Arc;

use domain::NodeId;
use gateway::Authenticator;
use tokio_util::sync::CancellationToken;
use wire::types::Registry;

use crate::config::Config;
use crate::exit::Exit;
use crate::node_name::node_name;
use crate::wiring::edge::{Edge, listen};
use crate::wiring::{self, options};

/// Runs until `drain` is cancelled and every connection is closed.
pub async fn run(config: Config, types: Registry, drain: CancellationToken) -> Result<(), Exit> {
    let metrics = wiring::metrics()?;
    let authenticator = Authenticator::open(options::auth(&config, None)?).await;
    let authenticator =
        authenticator.map_err(|error| Exit::failure("cannot use the keys for tokens", error))?;
    let id = NodeId::boot(&node_name(config.server.node_name.as_deref()));
    let (authenticator, node_id) = (Arc::new(authenticator), id.clone());
    let (node, redis) = wiring::redis_node(&config, id, authenticator.clone()).await?;
    let public = listen(config.server.listen)?;
    let admin = listen(config.server.admin_listen)?;
    tracing::info!(node.id = %node.id(), listen = %config.server.listen, admin = %config.server.admin_listen, "gateway is up");
    let edge = Edge {
        node,
        types,
        authenticator,
        accept: options::accept(&config),
        socketio: options::socketio(&config, node_id.name()),
        advertise: options::advertise(&config, admin.local_addr().unwrap_or(config.server.admin_listen)),
        drain: config.server.drain,
        metrics,
    };
    edge.serve(public, admin, drain).await?;
    redis.quit().await;
    Ok(())
}
