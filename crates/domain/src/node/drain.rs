//! Going down without dropping anything: say so, then close in jittered waves, then wait for the last one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{Class, Item, Node};
use crate::dialect::Answer;
use crate::words::CloseReason;

/// Waves in which connections are closed, so that the other nodes are not met by all of them at once.
const WAVES: u32 = 20;
/// The part of the time that the waves take; the rest is for the last ones to finish.
const SPREAD: f64 = 0.6;
/// Where there are few connections, a wave need not wait longer than this.
const LONGEST_PAUSE_FOR_FEW: Duration = Duration::from_millis(50);

impl Node {
    /// Turns every client away with `reconnect`, closes all connections within `within`, gives the seats back.
    /// Returns how many connections were left when the time was up.
    pub async fn drain(&self, within: Duration) -> usize {
        let connections = self.population().begin_drain();
        let total = connections.len();
        tracing::info!(connections = total, within_ms = within.as_millis(), "draining");
        let done = timeout(within, async {
            let waves = usize::try_from(WAVES).expect("a small number");
            let pause = if total < 10 * waves {
                LONGEST_PAUSE_FOR_FEW.min(within.mul_f64(SPREAD) / WAVES)
            } else {
                within.mul_f64(SPREAD) / WAVES
            };
            for wave in connections.chunks(total.div_ceil(waves).max(1)) {
                wave.iter().for_each(|outbound| {
                    let retry_after = Duration::from_millis(rand::random_range(100..2_000));
                    let notice = Item::Notice(Arc::new(Answer::Reconnect { retry_after }));
                    outbound.push(notice, Class::Durable);
                    outbound.doom(CloseReason::Draining);
                });
                sleep(pause).await;
            }
            self.population().emptied().await;
        })
        .await;
        let left = if done.is_ok() { 0 } else { self.connections() };
        self.retire().await;
        left
    }
}
