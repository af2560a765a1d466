//! From the outbox to the feeds: what a booking has committed is told to every node, also when the node that made it died
//! right after the commit. Every node brings, whoever booked; the database lets one do so at a time and keeps the order.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::Node;
use crate::ports::{Courier, PortError};
use crate::words::{SeatChange, Sign, Timestamp, Whisper};

/// Changes brought at once.
const BATCH: usize = 256;
/// How often the outbox is looked into unasked: how long a change waits whose node died.
const INTERVAL: Duration = Duration::from_millis(500);
/// The longest pause after errors.
const LONGEST: Duration = Duration::from_secs(4);
/// How long changes that were brought are kept, for nodes that missed them, and uploads that no message shows.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How often older ones are forgotten.
const PRUNING: Duration = Duration::from_secs(3600);

/// What is known of the outbox without looking into it.
#[derive(Default)]
pub(super) struct Outbox {
    /// It has something.
    called: Notify,
}

/// Three quarters of the time to all of it: nodes that began together do not go on together.
fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.75 + rand::random::<f64>() / 4.0)
}

#[async_trait]
impl Courier for &Node {
    async fn carry(&self, change: &SeatChange) -> Result<(), PortError> {
        self.whisper(change.event.room(), None, Whisper::Show(Sign::Seats(change.clone()))).await
    }
}

impl Node {
    /// Seats were booked or given back a moment ago: the outbox is brought at once.
    pub fn seats_changed(&self) {
        self.outbox().called.notify_one();
    }

    /// Brings what is in the outbox, for as long as the node lives.
    pub(super) async fn bring_changes_forever(&self) {
        let (mut pause, mut prune_at) = (INTERVAL, Instant::now() + jittered(PRUNING));
        loop {
            match self.bring_changes().await {
                Ok(()) => {
                    pause = INTERVAL;
                    tokio::select! {
                        () = self.outbox().called.notified() => {}
                        () = sleep(jittered(INTERVAL)) => {}
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "seat changes cannot be told now");
                    sleep(jittered(pause)).await;
                    pause = LONGEST.min(pause * 2);
                }
            }
            if Instant::now() >= prune_at {
                prune_at = Instant::now() + jittered(PRUNING);
                self.prune().await;
            }
        }
    }

    async fn bring_changes(&self) -> Result<(), PortError> {
        while self.bookings().relay(&self, BATCH).await? == BATCH {}
        Ok(())
    }

    async fn prune(&self) {
        let kept = i64::try_from(KEPT.as_millis()).expect("a day is few milliseconds");
        let before = Timestamp(Timestamp::now().0 - kept);
        match self.bookings().prune(before).await {
            Ok(pruned) => tracing::debug!(pruned, "old seat changes were forgotten"),
            Err(error) => tracing::debug!(%error, "old seat changes are forgotten later"),
        }
        match self.uploads().prune(before).await {
            Ok(pruned) => tracing::debug!(pruned, "old uploads that no message shows were forgotten"),
            Err(error) => tracing::debug!(%error, "old uploads are forgotten later"),
        }
    }
}
