//! One line on stderr every five seconds, for the person who waits.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, interval_at},
};

use crate::{run::control::Stage, run::world::World};

const EVERY: Duration = Duration::from_secs(5);

/// Prints until the returned set is dropped.
pub(crate) fn start(world: Arc<World>) -> JoinSet<()> {
    let mut owner = JoinSet::new();
    owner.spawn(print(world));
    owner
}

async fn print(world: Arc<World>) {
    let began = Instant::now();
    let mut ticks = interval_at(began + EVERY, EVERY);
    let mut delivered_before = 0;
    loop {
        ticks.tick().await;
        let counters = world.control.counters();
        let latency = world.latency.intended();
        let errors: u64 = world.control.errors().values().sum();
        let rate = (counters.delivered - delivered_before) as f64 / EVERY.as_secs_f64();
        delivered_before = counters.delivered;
        eprintln!(
            "{:>5.0}s {:<8} joined {} sent {} acknowledged {} delivered {} ({rate:.0}/s) p50 {:.1} p99 {:.1} ms \
             reconnects {} errors {errors} out-of-order {} repeated {}",
            began.elapsed().as_secs_f64(),
            word(world.control.stage()),
            counters.joined,
            counters.sent,
            counters.acknowledged,
            counters.delivered,
            latency.p50,
            latency.p99,
            counters.reconnects,
            counters.gaps + counters.disordered,
            counters.repeated,
        );
    }
}

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Joining => "joining",
        Stage::Sending { .. } => "sending",
        Stage::Settling { .. } => "settling",
        Stage::Sweeping { .. } => "sweeping",
        Stage::Closing => "closing",
    }
}
