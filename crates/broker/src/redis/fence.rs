//! The fence: a Redis that restarted or was promoted may have lost its tail, and would issue numbers again.
//!
//! The write script carries the run id of the instance that it was loaded on, and is called by its hash only. Any
//! other instance, and the same one after a restart, answers NOSCRIPT; a promoted instance that has the text from an
//! earlier reign finds another run id in the shard. Both lead here: `fence.lua` begins a new epoch, once per instance.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ports::PortError;

use super::keys::Shard;
use super::link::{Link, Script, unexpected};

const PUBLISH: &str = include_str!("scripts/publish.lua");
const FENCE: &str = include_str!("scripts/fence.lua");

/// What this process knows of each shard's instance.
pub(super) struct Fence {
    fence: Script,
    // The write script's hash per shard; `None`: ask again. Held for a look or a write only.
    scripts: Mutex<Vec<Option<Arc<str>>>>,
    // Nothing was ever kept, so numbering may begin at epoch 1. Only true until this process has fenced once.
    virgin: AtomicBool,
}

impl Fence {
    pub(super) fn new(shards: u16, virgin: bool) -> Self {
        Self {
            fence: Script::new(FENCE),
            scripts: Mutex::new(vec![None; usize::from(shards)]),
            virgin: AtomicBool::new(virgin),
        }
    }

    /// Whether an error says that the instance is not the one that we knew.
    pub(super) fn is_called_for(reason: &str) -> bool {
        reason.contains("NOSCRIPT") || reason.contains("FENCE")
    }

    /// The write script's hash on the shard's present instance; fences and loads where it is not known.
    pub(super) async fn script(&self, link: &Link, shard: Shard) -> Result<Arc<str>, PortError> {
        if let Some(sha) = &self.scripts()[usize::from(shard.0)] {
            return Ok(sha.clone());
        }
        loop {
            let instance = self.fence(link, shard).await?;
            let source = format!("local INSTANCE = '{instance}'\n{PUBLISH}");
            let sha: Arc<str> = link.load(shard, source).await?.into();
            // A promotion between the two calls would leave the script on an instance that never was fenced.
            if self.fence(link, shard).await? == instance {
                self.scripts()[usize::from(shard.0)] = Some(sha.clone());
                return Ok(sha);
            }
        }
    }

    /// Forgets a hash that an instance did not accept, unless it was replaced meanwhile.
    pub(super) fn invalidate(&self, shard: Shard, sha: &str) {
        let known = &mut self.scripts()[usize::from(shard.0)];
        if known.as_deref() == Some(sha) {
            *known = None;
        }
    }

    /// Makes sure that every shard has an epoch of its present instance, so that a loss is announced
    /// without waiting for the next message. From then on an empty Redis means a loss.
    pub(super) async fn check_all(&self, link: &Link) -> Result<(), PortError> {
        let checks = link.keys.shards().map(|shard| self.fence(link, shard));
        futures::future::try_join_all(checks).await?;
        self.virgin.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(super) async fn fence(&self, link: &Link, shard: Shard) -> Result<String, PortError> {
        let virgin = if self.virgin.load(Ordering::Relaxed) { "1" } else { "0" };
        let instance =
            link.call(&self.fence, shard, vec![link.keys.meta(shard)], vec![virgin.into()]).await?;
        instance.as_string().filter(|id| !id.is_empty()).ok_or_else(|| unexpected("a fence"))
    }

    fn scripts(&self) -> MutexGuard<'_, Vec<Option<Arc<str>>>> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
