//! The handle on a running swarm: where it is, what it has counted, and "enough".
//!
//! Owns the stage and the shared counters. Whoever holds a clone may read; `finish` is the only command.

use std::sync::Arc;

use tokio::{sync::watch, time::Instant};

use crate::measure::tally::{Counters, Tally};

/// Where a run is. Stages only move forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Clients connect and join; nobody sends yet.
    Joining,
    /// Clients send on the schedule that began then.
    Sending {
        /// The schedule's origin.
        since: Instant,
    },
    /// No new messages are due after `until`; everyone gets what is missing.
    Settling {
        /// The schedule's origin.
        since: Instant,
        /// The first moment without new messages.
        until: Instant,
    },
    /// As settling; what an epoch change may have hidden is fetched once more from the history.
    Sweeping {
        /// The schedule's origin.
        since: Instant,
        /// The first moment without new messages.
        until: Instant,
    },
    /// Clients hang up.
    Closing,
}

/// When the phases may begin, once everyone has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    /// At once.
    Free,
    /// Not before `begin`.
    Held,
    /// As held; everyone has joined.
    Arrived,
    /// Then.
    At(Instant),
}

/// A cloneable handle on one run. Make one, put it into `Options`, keep a clone.
#[derive(Debug, Clone)]
pub struct Control {
    stage: Arc<watch::Sender<Stage>>,
    finish: Arc<watch::Sender<bool>>,
    signal: Arc<watch::Sender<Signal>>,
    pub(crate) tally: Arc<Tally>,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            stage: Arc::new(watch::Sender::new(Stage::Joining)),
            finish: Arc::new(watch::Sender::new(false)),
            signal: Arc::new(watch::Sender::new(Signal::Free)),
            tally: Arc::default(),
        }
    }
}

impl Control {
    /// A handle for one run.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle for a part of a run, whose phases begin when all parts are ready: at `begin`.
    pub(crate) fn held() -> Self {
        let control = Self::default();
        control.signal.send_replace(Signal::Held);
        control
    }

    /// The phases of a held run begin then.
    pub(crate) fn begin(&self, moment: Instant) {
        self.signal.send_replace(Signal::At(moment));
    }

    /// Returns once everyone of a held run has joined.
    pub(crate) async fn arrived(&self) {
        let mut signal = self.signal.subscribe();
        let _ = signal.wait_for(|signal| *signal == Signal::Arrived).await;
    }

    /// Everyone has joined; returns when the phases may begin.
    pub(crate) async fn signal(&self) {
        let arrive = |signal: &mut Signal| {
            let is_held = *signal == Signal::Held;
            if is_held {
                *signal = Signal::Arrived;
            }
            is_held
        };
        self.signal.send_if_modified(arrive);
        let mut signal = self.signal.subscribe();
        let given = signal.wait_for(|signal| matches!(signal, Signal::Free | Signal::At(_))).await;
        let moment = match given.map(|signal| *signal) {
            Ok(Signal::At(moment)) => moment,
            Ok(Signal::Free | Signal::Held | Signal::Arrived) | Err(_) => return,
        };
        tokio::time::sleep_until(moment).await;
    }

    /// Ends the sending phase now; the run then settles and audits as usual.
    pub fn finish(&self) {
        self.finish.send_replace(true);
    }

    /// Where the run is.
    pub fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// What has been counted so far.
    pub fn counters(&self) -> Counters {
        self.tally.read()
    }

    /// Errors so far, by code (`overloaded`, `close 1006`, `connect`, …).
    pub fn errors(&self) -> std::collections::BTreeMap<String, u64> {
        self.tally.errors()
    }

    /// Returns once everyone has joined and sending has begun (at once if that was long ago). It never returns for
    /// a run that fails before: wait for the run beside it.
    pub async fn sending(&self) {
        let mut stages = self.stage.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = stages.wait_for(|stage| *stage != Stage::Joining).await;
    }

    /// Returns once `enough` says yes to the counters, which are read every 20 ms.
    pub async fn until(&self, mut enough: impl FnMut(&Counters) -> bool) {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
        while !enough(&self.counters()) {
            ticks.tick().await;
        }
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    pub(crate) fn stages(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    pub(crate) fn is_finished(&self) -> bool {
        *self.finish.borrow()
    }

    /// Returns once somebody called `finish`.
    pub(crate) async fn finished(&self) {
        let mut finish = self.finish.subscribe();
        let _ = finish.wait_for(|finished| *finished).await;
    }
}
