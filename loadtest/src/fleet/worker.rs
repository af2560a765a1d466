//! A worker: one part of a run in a process of its own, told what to do by its parent.
//!
//! Owns reading orders and reporting. Invariant: it never outlives its parent; the end of its input ends it.

use std::{
    io::{BufRead, Write, stdin, stdout},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    fleet::{
        limits,
        orders::{Assignment, Order, Word, line, read, unix_now},
    },
    measure::record::Record,
    run::{
        control::Control,
        course::{self, SwarmError},
        options::Options,
    },
    scenario::{load::Scenario, phase::Phase},
};

const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Orders that wait to be obeyed.
const ORDERS: usize = 8;

/// Why a part could not be done.
struct Failure {
    reason: String,
    /// The servers did not let all of its clients in.
    not_joined: bool,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self { reason, not_joined: false }
    }
}

impl From<SwarmError> for Failure {
    fn from(error: SwarmError) -> Self {
        Self { reason: error.to_string(), not_joined: matches!(error, SwarmError::NotJoined { .. }) }
    }
}

/// The whole life of a worker: what `swarm` does when its parent starts it as one. The error is for people; the parent
/// has been told by then.
pub async fn work() -> Result<(), String> {
    let last = match take_part(&mut orders()).await {
        Ok(record) => Word::Done { record: Box::new(record) },
        Err(Failure { reason, not_joined }) => Word::Failed { reason, not_joined },
    };
    say(&last)
}

/// The parent's lines. The channel closes when the parent is gone, or says what it must not. Where lines come faster
/// than they are obeyed, reading waits.
fn orders() -> mpsc::Receiver<String> {
    let (sender, orders) = mpsc::channel(ORDERS);
    // A thread of its own, because reading standard input cannot be given up; it ends with the process.
    std::thread::spawn(move || {
        for line in stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    orders
}

async fn take_part(orders: &mut mpsc::Receiver<String>) -> Result<Record, Failure> {
    let first = orders.recv().await.ok_or_else(|| "there is no assignment".to_owned())?;
    let assignment: Assignment = read(&first)?;
    limits::raise_open_files();
    let scenario = part_of(&assignment)?;
    let control = Control::held();
    let options = Options {
        secret: assignment.secret,
        database: assignment.database,
        faults: assignment.faults,
        control: control.clone(),
        ..Options::default()
    };
    let run = course::measure(scenario, options);
    tokio::pin!(run);
    let mut counts = interval(COUNT_EVERY);
    counts.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_joined = false;
    loop {
        tokio::select! {
            measured = &mut run => return measured.map(|(record, _)| record).map_err(Failure::from),
            order = orders.recv() => obey(order, &control)?,
            () = control.arrived(), if !has_joined => {
                has_joined = true;
                say(&Word::Joined)?;
            }
            _ = counts.tick() => say(&counted(&control))?,
        }
    }
}

/// This part of the scenario. Faults are made by the first part alone; to the others the phase is a steady one.
fn part_of(assignment: &Assignment) -> Result<Scenario, String> {
    let whole = Scenario::from_toml(&assignment.scenario, &assignment.overrides);
    let part = whole.and_then(|whole| {
        let source_addresses = limits::source_addresses(&whole);
        Scenario { source_addresses, ..whole }.slice(assignment.part, assignment.parts)
    });
    let mut part = part.map_err(|error| error.to_string())?;
    for phase in part.phases.iter_mut().filter(|_| assignment.part > 0) {
        if let Phase::Fault { duration, .. } = phase {
            *phase = Phase::Steady { duration: *duration };
        }
    }
    Ok(part)
}

fn obey(order: Option<String>, control: &Control) -> Result<(), String> {
    let Some(text) = order else { return Err("the parent is gone".into()) };
    match read(&text)? {
        Order::Begin { at } => control.begin(moment(at)),
        Order::Finish => control.finish(),
    }
    Ok(())
}

/// The moment on this process's clock.
fn moment(at: u64) -> Instant {
    Instant::now() + Duration::from_micros(at).saturating_sub(unix_now())
}

fn counted(control: &Control) -> Word {
    Word::Counted {
        counters: Box::new(control.counters()),
        errors: control.errors().values().sum(),
        connections: control.tally.standing(),
    }
}

/// Blocks until the line is in the pipe, which the parent empties at once.
fn say(word: &Word) -> Result<(), String> {
    let text = line(word).map_err(|error| error.to_string())?;
    let mut words = stdout().lock();
    let written = words.write_all(text.as_bytes()).and_then(|()| words.flush());
    written.map_err(|error| format!("cannot report: {error}"))
}
