//! What one accepted message costs in Redis: latency, rate, and the time that Redis spends inside the script. `make bench`.
//!
//! A private Redis with the product's own settings, one node. Median of several rounds, with the least and the most.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must stop")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use broker::redis::{RedisNode, RedisOptions};
use bytes::Bytes;
use domain::ports::{Broker, Delivery, Inbox};
use domain::words::{
    Author, ClientId, Draft, Kind, MessageId, Namespace, NodeId, RoomId, Sealed, Timestamp, UserId,
};
use futures::StreamExt;
use testkit::Redis;

const ROUNDS: usize = 5;

/// How messages come.
struct Case {
    name: &'static str,
    messages: usize,
    /// Publishing calls under way at a time.
    at_once: usize,
    rooms: usize,
    /// Whether each has a `clientId`, which Redis must remember.
    named: bool,
    /// Whether this node hears them again.
    heard: bool,
}

const CASES: [Case; 7] = [
    Case { name: "one after the other", messages: 2_000, at_once: 1, rooms: 1, named: false, heard: false },
    Case {
        name: "the same, with clientId",
        messages: 2_000,
        at_once: 1,
        rooms: 1,
        named: true,
        heard: false,
    },
    Case { name: "the same, heard again", messages: 2_000, at_once: 1, rooms: 1, named: true, heard: true },
    Case { name: "64 at once, one room", messages: 20_000, at_once: 64, rooms: 1, named: true, heard: true },
    Case { name: "64 at once, 64 rooms", messages: 20_000, at_once: 64, rooms: 64, named: true, heard: true },
    Case {
        name: "512 at once, one room",
        messages: 20_000,
        at_once: 512,
        rooms: 1,
        named: true,
        heard: true,
    },
    Case {
        name: "512 at once, 512 rooms",
        messages: 20_000,
        at_once: 512,
        rooms: 512,
        named: true,
        heard: true,
    },
];

/// What one round showed.
struct Round {
    latency: Vec<f64>,
    rate: f64,
    per_call: f64,
    script: f64,
    process: f64,
    inside: BTreeMap<String, f64>,
}

/// Counts what is delivered.
#[derive(Default)]
struct Ear(AtomicUsize);

impl Inbox for Ear {
    fn deliver(&self, delivery: Delivery) {
        if matches!(delivery, Delivery::Entry(_)) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let redis = Redis::start().await;
    let options = RedisOptions { url: redis.url(), virgin: true, ..RedisOptions::default() };
    let node = RedisNode::connect(options, NodeId::boot("bench")).await.unwrap();
    let ear = Arc::new(Ear::default());
    node.attach(ear.clone());
    println!(
        "{:26} {:>18} {:>18} {:>10} {:>10} {:>22} {:>22}",
        "", "latency µs", "p99 µs", "msg/s", "per call", "µs in the script", "µs of Redis CPU"
    );
    for (number, case) in CASES.iter().enumerate() {
        let rooms: Vec<_> = (0..case.rooms).map(|room| format!("bench-{number}-{room}")).collect();
        let rooms: Vec<_> = rooms.iter().map(|name| RoomId::new(Namespace::Room, name).unwrap()).collect();
        if case.heard {
            for room in &rooms {
                node.subscribe(room).await.unwrap();
            }
        }
        let mut rounds = Vec::new();
        round(&redis, &node, &ear, case, &rooms).await;
        for _ in 0..ROUNDS {
            rounds.push(round(&redis, &node, &ear, case, &rooms).await);
        }
        show(case, &rounds);
    }
    node.quit().await;
}

async fn round(redis: &Redis, node: &RedisNode, ear: &Ear, case: &Case, rooms: &[RoomId]) -> Round {
    redis.command(&["CONFIG", "RESETSTAT"]).await;
    let (cpu, heard) = (cpu(redis).await, ear.0.load(Ordering::Relaxed));
    let begun = Instant::now();
    let drafts = (0..case.messages).map(|number| draft(&rooms[number % rooms.len()], case.named));
    let latency: Vec<f64> = futures::stream::iter(drafts)
        .map(|draft| async {
            let asked = Instant::now();
            node.publish(draft).await.unwrap();
            asked.elapsed().as_secs_f64() * 1e6
        })
        .buffer_unordered(case.at_once)
        .collect()
        .await;
    let wanted = if case.heard { case.messages } else { 0 };
    let all = async {
        while ear.0.load(Ordering::Relaxed) < heard + wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("everything is heard in time");
    let (elapsed, messages) = (begun.elapsed().as_secs_f64(), case.messages as f64);
    let process = (self::cpu(redis).await - cpu) * 1e6 / messages;
    let stats = command_stats(redis).await;
    let (calls, script) = stats.get("evalsha").copied().unwrap();
    let inside = stats.into_iter().map(|(name, (_, time))| (name, time / messages)).collect();
    Round {
        latency,
        rate: messages / elapsed,
        per_call: messages / calls,
        script: script / messages,
        process,
        inside,
    }
}

/// About what one chat message takes when sealed.
fn draft(room: &RoomId, named: bool) -> Draft {
    let id = MessageId::new();
    Draft {
        room: room.clone(),
        id,
        kind: Kind::Message,
        target: None,
        author: Author { user: UserId::text("user-17").unwrap(), name: Some("Anna".into()) },
        client_id: named.then(|| ClientId::parse(&id.to_string()).unwrap()),
        sent_at: Timestamp::now(),
        origin: None,
        body: Sealed { key: None, bytes: Bytes::from_static(&[7; 133]) },
    }
}

/// Seconds of CPU that the server has used.
async fn cpu(redis: &Redis) -> f64 {
    let info = redis.command(&["INFO", "cpu"]).await;
    let used = info.lines().filter_map(|line| line.split_once(':'));
    let main = used.filter(|(name, _)| matches!(*name, "used_cpu_sys" | "used_cpu_user"));
    main.map(|(_, seconds)| seconds.trim().parse::<f64>().unwrap()).sum()
}

/// Calls and microseconds of every command, those inside scripts included.
async fn command_stats(redis: &Redis) -> BTreeMap<String, (f64, f64)> {
    let info = redis.command(&["INFO", "commandstats"]).await;
    let lines = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'));
    lines
        .map(|(name, told)| {
            let field = |wanted: &str| {
                let found = told.split(',').find_map(|field| field.strip_prefix(wanted)).unwrap();
                found.parse::<f64>().unwrap()
            };
            (name.to_owned(), (field("calls="), field("usec=")))
        })
        .collect()
}

fn show(case: &Case, rounds: &[Round]) {
    let all = |figure: fn(&Round) -> f64| rounds.iter().map(figure).collect::<Vec<_>>();
    let rate = quantile(&all(|round| round.rate), 0.5);
    let per_call = quantile(&all(|round| round.per_call), 0.5);
    println!(
        "{:26} {:>18} {:>18} {rate:>10.0} {per_call:>10.1} {:>22} {:>22}",
        case.name,
        spread(&all(|round| quantile(&round.latency, 0.5)), 0),
        spread(&all(|round| quantile(&round.latency, 0.99)), 0),
        spread(&all(|round| round.script), 2),
        spread(&all(|round| round.process), 2),
    );
    let mut inside: Vec<_> = rounds[0].inside.iter().filter(|(name, _)| !is_ours(name)).collect();
    inside.sort_by(|one, other| other.1.total_cmp(one.1));
    let inside: Vec<_> = inside.iter().map(|(name, time)| format!("{name} {time:.2}")).collect();
    println!("    of it: {}", inside.join(", "));
}

/// The script itself, and what this program asks beside it.
fn is_ours(name: &str) -> bool {
    ["evalsha", "info", "config"].iter().any(|ours| name.starts_with(ours))
}

/// Median (least to most).
fn spread(values: &[f64], digits: usize) -> String {
    let [least, median, most] = [0.0, 0.5, 1.0].map(|part| quantile(values, part));
    format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}
