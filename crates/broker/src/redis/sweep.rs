//! Sweeping: what is left of dead nodes goes, users whose grace is over go offline, a retiring node gives back its own.
//!
//! Each finding is told to one caller and never again, so what one shard told is not lost with another's failure.

use std::time::Duration;

use domain::ports::{PortError, Swept};
use fred::types::Value;
use futures::future::{join_all, try_join_all};

use super::keys::Shard;
use super::link::unexpected;
use super::people::author;
use super::seats::Seats;

/// Seats, slots and users that one call removes at most; a script must not hold Redis for long.
const SWEPT: usize = 100;

impl Seats {
    /// Sweeps every shard until nothing is left to sweep. An error only where nothing was found either.
    pub(super) async fn sweep(&self) -> Result<Swept, PortError> {
        let (mut swept, mut failed) = (Swept::default(), None);
        let sweeping = self.link.keys.shards().map(|shard| async move {
            let mut found = Swept::default();
            let ended = self.sweep_shard(shard, None, &mut found).await;
            (found, ended)
        });
        for (found, ended) in join_all(sweeping).await {
            swept.seats += found.seats;
            swept.offline.extend(found.offline);
            failed = failed.or(ended.err());
        }
        match failed {
            Some(error) if swept == Swept::default() => Err(error),
            Some(error) => {
                tracing::warn!(%error, "a part of the cluster could not be swept");
                Ok(swept)
            }
            None => Ok(swept),
        }
    }

    /// Gives back everything that this node holds.
    pub(super) async fn retire(&self, grace: Duration) -> Result<(), PortError> {
        let retiring = self.link.keys.shards().map(|shard| async move {
            // The rooms are told by the script, and nobody goes offline before their grace is over.
            self.sweep_shard(shard, Some(grace), &mut Swept::default()).await
        });
        try_join_all(retiring).await.map(|_| ())
    }

    /// `own`: this node, whatever its lease, and the grace of its users; else lapsed nodes.
    async fn sweep_shard(
        &self,
        shard: Shard,
        own: Option<Duration>,
        found: &mut Swept,
    ) -> Result<(), PortError> {
        let names = &self.link.keys;
        let keys = vec![
            names.nodes(shard),
            names.online(shard),
            names.leaving(shard),
            names.connected(shard),
            names.present(shard),
        ];
        let arguments = vec![
            names.base(shard).into(),
            if own.is_some() { self.name() } else { "".into() },
            SWEPT.to_string().into(),
            self.name(),
            own.unwrap_or_default().as_millis().to_string().into(),
        ];
        loop {
            let reply = self.link.call(&self.scripts.sweep, shard, keys.clone(), arguments.clone()).await?;
            let Value::Array(parts) = reply else { return Err(unexpected("a sweep")) };
            let [more, seats, offline @ ..] = parts.as_slice() else { return Err(unexpected("a sweep")) };
            found.seats += seats.as_usize().unwrap_or(0);
            let pairs = offline.chunks_exact(2);
            found.offline.extend(pairs.filter_map(|pair| author(&pair[0], &pair[1])));
            if more.as_str().as_deref() != Some("1") {
                return Ok(());
            }
        }
    }
}
