//! How often a busy node writes to one client.
//!
//! A write costs a system call and wakes the other side, whether it carries one frame or ten. While the node has time,
//! every frame is written at once. When it runs out of time, a client that was written to a moment ago waits for the next
//! beat, and gets everything since in one write: a full node trades a few milliseconds for several times the
//! messages. One timer serves all connections.
//!
//! Invariant: whoever was put off is woken at the next beat, at most [`LONGEST`] later.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// The longest beat, on a node that has no time at all.
const LONGEST: Duration = Duration::from_millis(25);
/// Below this part of its time a node is not busy.
const EASE: f64 = 0.5;
/// Below this part it is idle.
const IDLE: f64 = 0.1;
/// How often the node's load is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The beat of one node.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    // In microseconds; zero: no beat, everything is written at once.
    beat: AtomicU64,
    // At most one for each connection: its queue hands it over and has none left.
    waiting: Mutex<Vec<Waker>>,
    called: Notify,
    // Whether the load is being looked at; an idle node does not wake up for that.
    watched: AtomicBool,
    stirred: Notify,
}

impl Pacer {
    /// Something is written: the node may become busy.
    pub(super) fn stir(&self) {
        if !self.watched.load(Relaxed) && !self.watched.swap(true, Relaxed) {
            self.stirred.notify_one();
        }
    }

    /// The least time between two writes to one client; `None`: any.
    pub(super) fn beat(&self) -> Option<Duration> {
        match self.beat.load(Relaxed) {
            0 => None,
            micros => Some(Duration::from_micros(micros)),
        }
    }

    /// Wakes this one at the next beat.
    pub(super) fn put_off(&self, waker: Waker) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(waker);
        if waiting.len() == 1 {
            self.called.notify_one();
        }
    }

    /// Gives the beat, for as long as the node lives.
    pub(super) async fn beat_forever(&self) {
        tokio::join!(self.look_forever(), self.wake_forever());
    }

    async fn wake_forever(&self) {
        // Two lists take turns, so that none has to grow anew.
        let mut ready = Vec::new();
        loop {
            self.called.notified().await;
            sleep(self.beat().unwrap_or_default()).await;
            std::mem::swap(&mut ready, &mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            ready.drain(..).for_each(Waker::wake);
        }
    }

    async fn look_forever(&self) {
        loop {
            self.stirred.notified().await;
            while self.look().await > IDLE {}
            self.watched.store(false, Relaxed);
        }
    }

    /// Looks at the load for a while, and says what part of the time the node was busy.
    async fn look(&self) -> f64 {
        let (began, worked_before) = (Instant::now(), worked());
        sleep(LOOK).await;
        let busy =
            worked().saturating_sub(worked_before).as_secs_f64() / began.elapsed().as_secs_f64() / workers();
        self.set(busy);
        busy
    }

    /// Sets the beat for a node that is busy for this part of its time.
    fn set(&self, busy: f64) {
        let over = ((busy - EASE) / (1.0 - EASE)).clamp(0.0, 1.0);
        let beat = LONGEST.mul_f64(over);
        self.beat.store(u64::try_from(beat.as_micros()).unwrap_or(0), Relaxed);
        metrics::gauge!("hubbub_write_beat_seconds").set(beat.as_secs_f64());
    }
}

/// How long all threads of the runtime have worked so far.
fn worked() -> Duration {
    let metrics = Handle::current().metrics();
    (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum()
}

fn workers() -> f64 {
    f64::from(u32::try_from(Handle::current().metrics().num_workers()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Sleeper(AtomicUsize);

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn the_beat_grows_with_the_load_and_an_easy_node_has_none() {
        let pacer = Pacer::default();
        for (busy, beat) in
            [(0.0, None), (0.5, None), (0.75, Some(12_500)), (1.0, Some(25_000)), (1.7, Some(25_000))]
        {
            pacer.set(busy);
            assert_eq!(pacer.beat(), beat.map(Duration::from_micros), "{busy}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_put_off_is_woken_once_at_the_next_beat() {
        let (pacer, sleeper) = (Pacer::default(), Arc::new(Sleeper::default()));
        pacer.beat.store(10_000, Relaxed);
        let woken = || sleeper.0.load(Relaxed);
        let test = async {
            for round in [2, 4] {
                pacer.put_off(sleeper.clone().into());
                pacer.put_off(sleeper.clone().into());
                sleep(Duration::from_millis(9)).await;
                assert_eq!(woken(), round - 2);
                sleep(Duration::from_millis(2)).await;
                assert_eq!(woken(), round);
            }
        };
        tokio::select! {
            () = test => {}
            () = pacer.wake_forever() => {}
        }
    }
}
