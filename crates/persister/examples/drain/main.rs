//! How fast one worker stores a backlog, how soon it stores a lone message, and what it costs when nothing happens.
//!
//! ```text
//! cargo run --release -p persister --example drain -- [MESSAGES [RUNS [BATCH]]]
//! ```
//!
//! Owns a private Redis and a private Postgres. The journal is filled by the publish script, once, and copied back for
//! every run. Invariant: a run that did not store each message exactly once ends the program with a panic.

#![allow(clippy::unwrap_used, reason = "a measurement ends where its helpers fail")]

mod cpu;
mod filling;
mod servers;

use std::time::{Duration, Instant};

use broker::redis::RedisJournal;
use domain::ports::Journal;
use persister::{Persister, PersisterOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use cpu::Meter;
use filling::Publisher;
use servers::Servers;

/// Time watched while nothing happens.
const QUIET: Duration = Duration::from_secs(10);
/// Lone messages that are timed.
const LONE: usize = 30;

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>().expect("a number"));
    let messages = numbers.next().unwrap_or(300_000);
    let runs = numbers.next().unwrap_or(3);
    let batch = numbers.next().unwrap_or(PersisterOptions::default().batch);
    let servers = Servers::start().await;
    let publisher = Publisher::connect(&servers).await;
    publisher.fill(messages).await;
    servers.keep_backlog().await;
    let mut rates = Vec::new();
    for _ in 0..runs {
        servers.bring_backlog_back().await;
        rates.push(drain(&servers, batch, messages).await);
    }
    rates.sort_by(f64::total_cmp);
    println!("drained, median of {runs}: {:.0} messages/s", rates[runs / 2]);
    rest(&servers, &publisher, batch).await;
}

/// A worker of this process.
struct Worker {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Worker {
    async fn start(servers: &Servers, batch: usize) -> Self {
        let journal = RedisJournal::connect(servers.options(), "drain").await.unwrap();
        let options = PersisterOptions { batch, ..PersisterOptions::default() };
        let shutdown = CancellationToken::new();
        let persister = Persister::new(journal, servers.store().await, options);
        Self { task: tokio::spawn(persister.run(shutdown.clone())), shutdown }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

/// One run: until everything is committed and forgotten by the journal.
async fn drain(servers: &Servers, batch: usize, messages: usize) -> f64 {
    let watch = RedisJournal::connect(servers.options(), "watch").await.unwrap();
    let meter = Meter::start(servers);
    let begun = Instant::now();
    let worker = Worker::start(servers, batch).await;
    while watch.backlog().await.unwrap().length > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed();
    let rate = messages as f64 / took.as_secs_f64();
    println!("{messages} in {took:.2?}: {rate:.0}/s; µs of CPU per message: {}", meter.per(messages));
    worker.stop().await;
    let stored = servers.query("SELECT count(*), count(DISTINCT id) FROM messages").await;
    assert_eq!(stored, format!("{messages}|{messages}"), "each is stored exactly once");
    rate
}

/// An idle worker: what it costs, and how soon it stores what comes then.
async fn rest(servers: &Servers, publisher: &Publisher, batch: usize) {
    // The publishing node lives in this process too.
    quiet(servers, "without the worker").await;
    let worker = Worker::start(servers, batch).await;
    let store = servers.store().await;
    publisher.lone(&*store).await;
    quiet(servers, "with it").await;
    let mut waits = Vec::new();
    for turn in 0..LONE {
        // Not in step with anything that the worker does.
        tokio::time::sleep(Duration::from_millis(150 + 37 * turn as u64 % 91)).await;
        waits.push(publisher.lone(&*store).await);
    }
    waits.sort();
    println!("a lone message is stored within {:.1?}, at most {:.1?}", waits[LONE / 2], waits[LONE - 1]);
    worker.stop().await;
}

/// What it costs when nothing happens.
async fn quiet(servers: &Servers, when: &str) {
    let (meter, commands) = (Meter::start(servers), servers.commands().await);
    tokio::time::sleep(QUIET).await;
    let asked = (servers.commands().await - commands - 1) as f64 / QUIET.as_secs_f64();
    let spent = meter.per(usize::try_from(QUIET.as_secs()).unwrap());
    println!("idle, {when}: {asked:.1} commands/s; µs of CPU per second: {spent}");
}
