//! A private Redis Cluster: masters only, every slot served.
//!
//! Owns its servers. Invariant: when `start` returns, every server knows every other and reports the cluster as ok.

use crate::port::free_port;
use crate::programs::run;
use crate::redis::Redis;
use std::time::{Duration, Instant};

/// Longest time from `cluster create` to the last server's "ok".
const AGREEMENT: Duration = Duration::from_secs(60);

/// Running servers that form one cluster.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts this many masters (at least three, or Redis refuses) and waits until they agree.
    pub async fn start(masters: usize) -> Self {
        let mut nodes = Vec::with_capacity(masters);
        for _ in 0..masters {
            // The bus port would be the port + 10000, among those that any client socket may hold.
            let bus = free_port();
            let settings = format!("cluster-enabled yes\ncluster-port {bus}\ncluster-node-timeout 2000");
            nodes.push(Redis::start_with(&settings).await);
        }
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        let create = ["--cluster", "create"].map(str::to_owned).into_iter();
        run("redis-cli", create.chain(addresses).chain(["--cluster-yes".to_owned()])).await;
        let cluster = Self { nodes };
        cluster.agreed().await;
        cluster
    }

    /// `redis-cluster://127.0.0.1:P1,127.0.0.1:P2,…`.
    #[must_use]
    pub fn url(&self) -> String {
        let addresses: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis-cluster://{}", addresses.join(","))
    }

    /// The servers, in the order of the address.
    #[must_use]
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// One server, to be broken.
    pub fn node_mut(&mut self, index: usize) -> &mut Redis {
        &mut self.nodes[index]
    }

    async fn agreed(&self) {
        let deadline = Instant::now() + AGREEMENT;
        let everybody = format!("cluster_known_nodes:{}", self.nodes.len());
        for node in &self.nodes {
            loop {
                let state = node.command(&["CLUSTER", "INFO"]).await;
                if state.contains("cluster_state:ok") && state.contains(&everybody) {
                    break;
                }
                assert!(Instant::now() < deadline, "no agreement within {AGREEMENT:?}: {state}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
