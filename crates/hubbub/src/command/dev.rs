//! `hubbub dev`: the whole product in one process, with nothing to install.
//!
//! Memory stands behind the broker's ports, a SQLite file behind the store's, and the persister runs inside. History
//! survives a restart; what was accepted within the last milliseconds before a `kill -9` may not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker::memory::{Memory, MemoryOptions, Numbering};
use domain::NodeId;
use domain::node::{Node, Ports};
use domain::ports::Journal;
use futures::future::try_join_all;
use gateway::Authenticator;
use metrics_exporter_prometheus::PrometheusHandle;
use persister::Persister;
use store::Opened;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wire::types::Registry;

use crate::cli::DevOptions;
use crate::config::{Config, Secret};
use crate::exit::Exit;
use crate::node_name::node_name;
use crate::wiring::data::DataFolder;
use crate::wiring::edge::{Edge, listen};
use crate::wiring::{self, options};
use crate::{dev_secret, welcome};

/// A developer does not wait for their own connections.
const DRAIN: Duration = Duration::from_secs(3);
/// How long a database that does not take what was accepted is waited for.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// Runs until `drain` is cancelled and everything accepted is written.
pub async fn run(
    config: Config,
    options: DevOptions,
    types: Registry,
    drain: CancellationToken,
) -> Result<(), Exit> {
    let folder = DataFolder::open(&options.data)?;
    let secret = secret(&config, &options)?;
    let database = folder.database(&config).await?;
    let numbering = folder.numbering(&*database.store).await?;
    // Rooms that a lost tail gave birth to are unknown; only the first epoch can be continued.
    let continuable = numbering.epoch() == Numbering::first().epoch();
    let embedded = Embedded {
        metrics: wiring::metrics()?,
        authenticator: authenticator(&config, &secret).await?,
        memory: memory(&config, numbering),
        database,
        types,
        config,
    };
    let written = CancellationToken::new();
    let persister = embedded.persister().run(written.clone());
    let persister = AbortOnDropHandle::new(tokio::spawn(persister));
    let served = embedded.serve(&options, &secret, drain).await;
    let everything = embedded.is_written().await;
    written.cancel();
    persister.await.map_err(|error| Exit::failure("the persister ended badly", error))?;
    if !everything {
        tracing::error!("what was accepted last could not be written and is lost");
    }
    if continuable && everything && served.is_ok() {
        folder.ended_in_order();
    }
    served
}

struct Embedded {
    config: Config,
    memory: Arc<Memory>,
    database: Opened,
    authenticator: Arc<Authenticator>,
    metrics: PrometheusHandle,
    types: Registry,
}

impl Embedded {
    fn persister(&self) -> Persister {
        let journal = self.memory.journal("dev");
        Persister::new(journal, self.database.store.clone(), options::persister(&self.config))
    }

    /// Waits until everything accepted is in the database; `false`: it could not be written in time.
    async fn is_written(&self) -> bool {
        let journal = self.memory.journal("last look");
        let empty = async {
            while journal.backlog().await.is_ok_and(|backlog| backlog.length > 0) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LAST_WRITES, empty).await.is_ok()
    }

    /// Every node on its own pair of consecutive ports.
    async fn serve(
        &self,
        options: &DevOptions,
        secret: &Secret,
        drain: CancellationToken,
    ) -> Result<(), Exit> {
        let server = &self.config.server;
        let (mut edges, mut links, mut internal) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..options.nodes {
            let public = listen(nth(server.listen, number))?;
            let admin = listen(nth(server.admin_listen, number))?;
            links.push(public.local_addr().unwrap_or(server.listen));
            internal.push(admin.local_addr().unwrap_or(server.admin_listen));
            edges.push(self.edge(number, &admin).serve(public, admin, drain.clone()));
        }
        welcome::print(&links, internal[0], secret, &options.data)?;
        try_join_all(edges).await.map(|_| ())
    }

    fn edge(&self, number: u16, admin: &TcpListener) -> Edge {
        let name = node_name(self.config.server.node_name.as_deref());
        let id = NodeId::boot(&if number == 0 { name } else { format!("{name}-{}", number + 1) });
        let memory = self.memory.node(id.clone());
        let ports = Ports {
            broker: memory.clone(),
            presence: memory.clone(),
            notes: memory,
            store: self.database.store.clone(),
            directory: self.database.directory.clone(),
            bookings: self.database.bookings.clone(),
            uploads: self.database.uploads.clone(),
            tokens: self.authenticator.clone(),
            sealer: options::sealer(&self.config),
        };
        let (limits, policies) = (options::limits(&self.config), options::policies(&self.config));
        Edge {
            node: Node::new(id.clone(), limits, policies, ports),
            types: self.types.clone(),
            authenticator: self.authenticator.clone(),
            accept: options::accept(&self.config),
            socketio: options::socketio(&self.config, id.name()),
            advertise: options::advertise(
                &self.config,
                admin.local_addr().unwrap_or(self.config.server.admin_listen),
            ),
            drain: self.config.server.drain.min(DRAIN),
            metrics: self.metrics.clone(),
        }
    }
}

fn secret(config: &Config, options: &DevOptions) -> Result<Secret, Exit> {
    match &config.auth.jwt_secret {
        Some(secret) => Ok(secret.clone()),
        None => dev_secret::read_or_create(&options.data),
    }
}

async fn authenticator(config: &Config, secret: &Secret) -> Result<Arc<Authenticator>, Exit> {
    let opened = Authenticator::open(options::auth(config, Some(secret.expose()))?).await;
    opened.map(Arc::new).map_err(|error| Exit::failure("cannot use the keys for tokens", error))
}

fn memory(config: &Config, numbering: Numbering) -> Arc<Memory> {
    Memory::new(MemoryOptions {
        shards: config.redis.shards,
        hot_log: config.history.hot_log,
        journal_max_length: config.broker.journal_max_length.unwrap_or(u64::MAX),
        dedupe_window: config.broker.dedupe_window,
        lease: config.presence.lease,
        numbering,
        ..MemoryOptions::default()
    })
}

/// The address `number` ports further on; port 0 stays "any free port".
fn nth(address: SocketAddr, number: u16) -> SocketAddr {
    let port = if address.port() == 0 { 0 } else { address.port().saturating_add(number) };
    SocketAddr::new(address.ip(), port)
}
