//! How long a write may take, and what ends a connection whose client does not read.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::time::sleep_until;

use super::lifetime::Lifetime;
use super::{Gone, Outbound};
use crate::words::CloseReason;

/// The connection is over, for this reason.
pub(super) struct Over(pub(super) CloseReason);

impl From<Gone> for Over {
    fn from(_: Gone) -> Self {
        Self(CloseReason::Normal)
    }
}

/// Writes under every limit that ends a connection: an overflowing queue, any doom, the token, and no progress at all.
pub(super) async fn patiently(
    outbound: &Outbound,
    lifetime: &Lifetime,
    write: impl Future<Output = Result<(), Gone>>,
) -> Result<(), Over> {
    let mut write = pin!(write);
    // Nearly always there is room, and then nothing else needs to be made ready.
    if let Poll::Ready(done) = futures::poll!(write.as_mut()) {
        return Ok(done?);
    }
    // Boxed: every place that writes would otherwise have room for this, in every idle connection.
    Box::pin(wait(outbound, lifetime, write)).await
}

async fn wait(
    outbound: &Outbound,
    lifetime: &Lifetime,
    write: Pin<&mut impl Future<Output = Result<(), Gone>>>,
) -> Result<(), Over> {
    let (deadline, reason) = lifetime.write_deadline();
    tokio::select! {
        biased;
        done = write => Ok(done?),
        reason = outbound.given_up() => Err(Over(reason)),
        () = sleep_until(deadline) => Err(Over(reason)),
    }
}
