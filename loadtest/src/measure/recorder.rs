//! Looks at the counters once a second while a run goes on, and turns everything into a `Record` at its end.
//!
//! Owns the series of seconds and the watch over the generator's own event loop. It never touches a client: a run
//! would be the same without it. A few seconds are also lent to whoever shows progress.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::{
    runtime::Handle,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, interval_at},
};

use crate::{
    measure::{
        distribution::Distribution,
        latency, procfs,
        record::{Generator, Record, SCHEMA, Second},
        steady::Window,
        storms::Storm,
        tally::Counters,
    },
    run::{control::Stage, world::World},
    scenario::plan::Cut,
    wire::message::Stamp,
};

/// Often enough to meet every stall of 50 ms several times, seldom enough to cost nothing.
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// Records until it is dropped or finished.
pub(crate) struct Recorder {
    series: Series,
    delay: Arc<Mutex<Histogram<u64>>>,
    connections_at_end: u64,
    tasks: JoinSet<()>,
}

/// The seconds so far, shared with whoever shows them.
#[derive(Clone, Default)]
pub(crate) struct Series(Arc<Mutex<BTreeMap<u64, Second>>>);

impl Recorder {
    pub(crate) fn start(world: &Arc<World>) -> Self {
        let (series, delay) = (Series::default(), Arc::new(Mutex::new(latency::histogram(3))));
        let mut tasks = JoinSet::new();
        tasks.spawn(mark_the_end(Arc::clone(world)));
        tasks.spawn(look_every_second(Arc::clone(world), series.clone()));
        tasks.spawn(probe(Arc::clone(world), Arc::clone(&delay)));
        Self { series, delay, connections_at_end: 0, tasks }
    }

    pub(crate) fn series(&self) -> Series {
        self.series.clone()
    }

    /// The last look, before the clients hang up: what comes later is no figure of this run.
    pub(crate) fn stop(&mut self, world: &World) {
        self.connections_at_end = world.tally.standing();
        self.tasks.abort_all();
    }

    /// Everything that this process measured.
    pub(crate) fn finish(self, world: &World, window: &Window, intended: u64) -> Record {
        let timed = world.latency.read();
        let delay = Distribution::from(&*lock(&self.delay));
        let generator = Generator {
            pid: std::process::id(),
            cpu_seconds: window.generator_cpu,
            seconds: window.span.as_secs_f64(),
            threads: usable_threads(),
            lag_p99: timed.lag.percentiles().p99,
            delay_p99: delay.percentiles().p99,
        };
        Record {
            schema: SCHEMA,
            run: world.run.id.clone(),
            began: world.clock.began(),
            seconds: window.span.as_secs_f64(),
            intended,
            counters: world.tally.read(),
            delivered_measured: window.delivered,
            acknowledged_measured: window.acknowledged,
            connections_at_end: self.connections_at_end,
            errors: world.tally.errors(),
            acts: world.tally.acts(),
            findings: world.tally.findings(),
            timed,
            series: self.series.all(),
            storms: Storm::dated(storms(world), &world.marks.read()),
            marks: world.marks.read(),
            generators: vec![generator],
        }
    }
}

impl Series {
    pub(crate) fn all(&self) -> BTreeMap<u64, Second> {
        lock(&self.0).clone()
    }

    /// The last `count` seconds, oldest first.
    pub(crate) fn last(&self, count: usize) -> Vec<Second> {
        let seconds = lock(&self.0);
        let mut last: Vec<Second> = seconds.values().rev().take(count).cloned().collect();
        last.reverse();
        last
    }
}

/// What became of each storm of the plan.
fn storms(world: &World) -> Vec<Storm> {
    let became = |(index, cut): (usize, &Cut)| {
        let herd = world.herd.read(index);
        let (cut_off, back) = (herd.cut as u64, herd.back as u64);
        Storm {
            at: 0.0,
            away: cut.away.as_secs_f64(),
            cut: cut_off,
            back,
            longest: herd.longest.as_secs_f64(),
        }
    };
    world.plan.cuts.iter().enumerate().map(became).collect()
}

/// Worker threads, or fewer if the process may not run on so many cores.
fn usable_threads() -> f64 {
    let workers = Handle::try_current().map_or(1, |handle| handle.metrics().num_workers());
    let cores = std::thread::available_parallelism().map_or(workers, std::num::NonZero::get);
    workers.min(cores) as f64
}

/// What the counters stood at when they were last looked at.
struct Look {
    at: Instant,
    counters: Counters,
    errors: u64,
    cpu: f64,
}

impl Look {
    fn now(world: &World) -> Self {
        Self {
            at: Instant::now(),
            counters: world.tally.read(),
            errors: world.tally.errors().values().sum(),
            cpu: procfs::own_cpu_seconds(),
        }
    }

    fn since(&self, before: &Self, world: &World) -> Second {
        let (now, then) = (&self.counters, &before.counters);
        Second {
            span: (self.at - before.at).as_secs_f64(),
            delivered: now.delivered - then.delivered,
            sent: now.sent - then.sent,
            acknowledged: now.acknowledged - then.acknowledged,
            errors: self.errors - before.errors,
            connections: world.tally.standing(),
            reconnects: now.reconnects - then.reconnects,
            latency: world.latency.take_lately(),
            generator_cpu: self.cpu - before.cpu,
        }
    }
}

/// Looks at whole Unix seconds, so that the seconds of several processes fall together.
async fn look_every_second(world: Arc<World>, series: Series) {
    let to_next = 1_000_000 - world.clock.now() % 1_000_000;
    let first = Instant::now() + Duration::from_micros(to_next);
    let mut ticks = interval_at(first, Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut before = Look::now(&world);
    loop {
        ticks.tick().await;
        let look = Look::now(&world);
        // Half a second is added because a timer may fire a moment before the clock says so.
        let ends = (world.clock.at(look.at) + 500_000) / 1_000_000;
        let second = look.since(&before, &world);
        lock(&series.0).insert(ends, second);
        before = look;
    }
}

/// Phases are marked by whoever conducts them; what comes after them is not in the plan.
async fn mark_the_end(world: Arc<World>) {
    let mut stages = world.control.stages();
    // The sender lives in the world's control, so waiting cannot fail.
    let _ = stages.wait_for(|stage| matches!(stage, Stage::Settling { .. })).await;
    world.marks.add("phase", "settling");
}

/// How late a timer fires while messages are measured: what the event loop keeps all clients waiting.
async fn probe(world: Arc<World>, delay: Arc<Mutex<Histogram<u64>>>) {
    let mut ticks = interval(PROBE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = ticks.tick().await;
        let now = world.clock.now();
        let measured = world.is_measured(Stamp { intended: now, sent: now });
        if measured && matches!(world.control.stage(), Stage::Sending { .. }) {
            lock(&delay).saturating_record(now.saturating_sub(world.clock.at(due)));
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
