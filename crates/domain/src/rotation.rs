//! Rotation of sealing keys: old bodies are opened and sealed again with the first key, batch by batch.
//!
//! Resumable without a memory of its own: what is left to do is what another key seals. Safe beside running nodes: a
//! body that was edited or withdrawn meanwhile is left as it is.

use std::time::Duration;

use tokio::time::sleep;

use crate::ports::{PortError, SealedRow, Sealer, Vault};
use crate::words::{KeyId, Sealed};

/// How often a batch is tried again before the rotation gives up.
const ATTEMPTS: usize = 5;
/// Pause before a batch is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// What a rotation has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Bodies sealed with the first key now.
    pub sealed: u64,
    /// Bodies that changed while they were looked at; they are sealed with the first key by whoever changed them.
    pub overtaken: u64,
    /// Bodies that no configured key opens; they are left as they are.
    pub unreadable: u64,
}

/// Seals every body with `key`, the first one of `sealer`. `told` hears of every batch.
pub async fn rotate(
    vault: &dyn Vault,
    sealer: &dyn Sealer,
    key: &KeyId,
    batch: usize,
    mut told: impl FnMut(Rotated),
) -> Result<Rotated, PortError> {
    let (mut done, mut behind) = (Rotated::default(), None);
    loop {
        let rows = vault.sealed_otherwise(key, behind.take(), batch).await?;
        let Some(last) = rows.last() else { return Ok(done) };
        behind = Some((last.room.clone(), last.seq));
        let found = rows.len() as u64;
        let pairs: Vec<(SealedRow, Sealed)> =
            rows.into_iter().filter_map(|row| reseal(sealer, row)).collect();
        let moved = replace(vault, &pairs).await?;
        done.sealed += moved;
        done.overtaken += pairs.len() as u64 - moved;
        done.unreadable += found - pairs.len() as u64;
        told(done);
    }
}

/// A database ends one of two transactions that wait for each other, and the persister may be the other one.
async fn replace(vault: &dyn Vault, pairs: &[(SealedRow, Sealed)]) -> Result<u64, PortError> {
    for _ in 0..ATTEMPTS {
        match vault.replace(pairs).await {
            Err(PortError::Unavailable(_)) => sleep(PAUSE).await,
            done => return done,
        }
    }
    vault.replace(pairs).await
}

fn reseal(sealer: &dyn Sealer, row: SealedRow) -> Option<(SealedRow, Sealed)> {
    let plain = match sealer.open(&row.room, row.bound_to, &row.body) {
        Ok(plain) => plain,
        Err(reason) => {
            tracing::warn!(room.id = %row.room, seq = row.seq, %reason, "a body cannot be sealed again");
            return None;
        }
    };
    let sealed = sealer.seal(&row.room, row.bound_to, &plain);
    Some((row, sealed))
}
