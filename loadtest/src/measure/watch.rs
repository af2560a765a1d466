//! Watches the servers from outside while a run goes on: CPU and memory from `/proc`, connections, queues and drops
//! from their `/metrics`. One point per server and second, and its CPU four times as often: a storm is over soon.
//!
//! Owns the watching and the series. A server that does not answer leaves a gap in its series and nothing else: watching
//! never fails a run. Every scrape has a deadline.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::future::join_all;
use reqwest::Client;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    measure::{
        exposition::{self, Scraped},
        procfs::{self, Reading, Trees},
        steady,
        storms::Burned,
    },
    report::result::{NodePoint, NodeSeries},
    run::options::ServerProcess,
};

const EVERY: Duration = Duration::from_millis(250);
/// Scrapes and points, in looks.
const POINT_EVERY: u32 = 4;
/// Shorter than the second between two scrapes, so that they do not pile up.
const DEADLINE: Duration = Duration::from_millis(800);
/// Looking for a process's descendants reads all of `/proc`, which is worth doing seldom; in looks.
const FIND_EVERY: u32 = 40;

/// A server's `/metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsEndpoint {
    /// What the series is called; the same name as a process's role joins both into one.
    pub name: String,
    /// `http://host:port/metrics`.
    pub url: String,
}

/// Watches until it is dropped.
pub(crate) struct Watch {
    /// When it began, in Unix seconds.
    from: f64,
    seen: Arc<Mutex<Seen>>,
    _owner: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    nodes: BTreeMap<String, Vec<NodePoint>>,
    burned: Burned,
}

/// What was seen, to be set beside a run that began at another moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    from: f64,
    nodes: Vec<NodeSeries>,
    burned: Burned,
}

impl Watch {
    /// Points are dated from `began`, the beginning of the run.
    pub(crate) fn start(processes: &[ServerProcess], endpoints: &[MetricsEndpoint], began: Instant) -> Self {
        let seen = Arc::default();
        let mut owner = JoinSet::new();
        if let Some(watcher) = Watcher::new(processes, endpoints, began) {
            owner.spawn(watcher.watch(Arc::clone(&seen)));
        }
        let since = began.elapsed().as_secs_f64();
        let from = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64() - since);
        Self { from, seen, _owner: owner }
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> Watched {
        let seen = lock(&self.seen);
        let node = |(name, points): (&String, &Vec<NodePoint>)| NodeSeries {
            name: name.clone(),
            points: points.clone(),
        };
        Watched { from: self.from, nodes: seen.nodes.iter().map(node).collect(), burned: seen.burned.clone() }
    }
}

impl Watched {
    /// The series, and the CPU of those that are not beside the total, dated from this moment in Unix seconds.
    pub(crate) fn since(mut self, began: f64) -> (Vec<NodeSeries>, Burned) {
        // Nothing was watched: nothing to date.
        let later = if self.from == 0.0 { 0.0 } else { self.from - began };
        let points = self.nodes.iter_mut().flat_map(|node| &mut node.points);
        points.for_each(|point| point.at += later);
        self.burned.values_mut().flatten().for_each(|(at, _)| *at += later);
        (self.nodes, self.burned)
    }
}

/// Cumulative figures of one node, of which the next point is a difference.
#[derive(Clone, Copy)]
struct Before {
    at: f64,
    cpu_seconds: Option<f64>,
    dropped: Option<f64>,
}

struct Watcher {
    /// Names by process id.
    processes: Vec<(String, u32)>,
    endpoints: Vec<MetricsEndpoint>,
    client: Client,
    began: Instant,
    before: BTreeMap<String, Before>,
}

impl Watcher {
    /// Absent if there is nothing to watch.
    fn new(processes: &[ServerProcess], endpoints: &[MetricsEndpoint], began: Instant) -> Option<Self> {
        if processes.is_empty() && endpoints.is_empty() {
            return None;
        }
        // The HTTP client wants a TLS provider even for plain HTTP; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(DEADLINE).build().ok()?;
        let endpoints = endpoints.to_vec();
        Some(Self { processes: named(processes), endpoints, client, began, before: BTreeMap::new() })
    }

    async fn watch(mut self, seen: Arc<Mutex<Seen>>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut trees = Trees::default();
        for look in 0_u32.. {
            ticks.tick().await;
            if look % FIND_EVERY == 0 {
                trees = self.find_trees().await;
            }
            let at = self.began.elapsed().as_secs_f64();
            let readings = self.read(&trees);
            self.keep_burned(&seen, at, &readings);
            if look % POINT_EVERY == 0 {
                self.keep_points(&seen, at, readings).await;
            }
        }
    }

    fn read(&self, trees: &Trees) -> Vec<(String, Reading)> {
        let reading = |(name, pid): &(String, u32)| Some((name.clone(), trees.read(*pid)?));
        self.processes.iter().filter_map(reading).collect()
    }

    fn keep_burned(&self, seen: &Mutex<Seen>, at: f64, readings: &[(String, Reading)]) {
        let mut seen = lock(seen);
        for (name, reading) in readings.iter().filter(|(name, _)| !steady::is_beside(name)) {
            seen.burned.entry(name.clone()).or_default().push((at, reading.cpu_seconds));
        }
    }

    async fn keep_points(&mut self, seen: &Mutex<Seen>, at: f64, readings: Vec<(String, Reading)>) {
        let mut nodes = self.scrape().await;
        for (name, reading) in readings {
            lay_over(nodes.entry(name).or_default(), reading);
        }
        for (name, scraped) in nodes {
            let point = self.point(name.clone(), at, scraped);
            lock(seen).nodes.entry(name).or_default().push(point);
        }
    }

    async fn find_trees(&self) -> Trees {
        let pids: Vec<u32> = self.processes.iter().map(|(_, pid)| *pid).collect();
        spawn_blocking(move || procfs::trees(&pids)).await.unwrap_or_default()
    }

    async fn scrape(&self) -> BTreeMap<String, Scraped> {
        let answers = join_all(self.endpoints.iter().map(|endpoint| self.ask(&endpoint.url))).await;
        let names = self.endpoints.iter().map(|endpoint| endpoint.name.clone());
        names.zip(answers).filter_map(|(name, answer)| Some((name, exposition::read(&answer?)))).collect()
    }

    async fn ask(&self, url: &str) -> Option<String> {
        self.client.get(url).send().await.ok()?.error_for_status().ok()?.text().await.ok()
    }

    fn point(&mut self, name: String, at: f64, scraped: Scraped) -> NodePoint {
        let now = Before { at, cpu_seconds: scraped.cpu_seconds, dropped: scraped.dropped };
        let before = self.before.insert(name, now);
        let rate = |then: fn(&Before) -> Option<f64>| {
            let before = before.as_ref()?;
            let grown = then(&now)? - then(before)?;
            // A restarted server counts from zero: this second says nothing.
            (grown >= 0.0).then(|| grown / (at - before.at).max(f64::EPSILON))
        };
        NodePoint {
            at,
            cores: rate(|before| before.cpu_seconds),
            rss_kib: scraped.rss_kib,
            connections: scraped.connections,
            queued: scraped.queued,
            dropped: rate(|before| before.dropped),
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `/proc` knows better than the server: it counts descendants.
fn lay_over(scraped: &mut Scraped, reading: Reading) {
    scraped.cpu_seconds = Some(reading.cpu_seconds);
    scraped.rss_kib = Some(reading.rss_kib as f64);
}

/// Each process under its role; those that share a role are told apart by a number.
fn named(processes: &[ServerProcess]) -> Vec<(String, u32)> {
    let name = |(index, process): (usize, &ServerProcess)| {
        let alike = |other: &&ServerProcess| other.role == process.role;
        let name = match processes.iter().filter(alike).count() {
            1 => process.role.clone(),
            _ => format!("{}-{}", process.role, processes[..index].iter().filter(alike).count() + 1),
        };
        (name, process.pid)
    };
    processes.iter().enumerate().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watcher() -> Watcher {
        let process = |role: &str, pid| ServerProcess { role: role.into(), pid };
        let processes = [process("gateway", 1), process("redis", 2), process("gateway", 3)];
        Watcher::new(&processes, &[], Instant::now()).unwrap()
    }

    #[test]
    fn processes_of_one_role_are_numbered() {
        let names: Vec<String> = watcher().processes.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["gateway-1", "redis", "gateway-2"]);
    }

    #[test]
    fn rates_are_differences_and_a_restart_leaves_a_gap() {
        let mut watcher = watcher();
        let mut cores = |at, cpu| {
            let scraped = Scraped { cpu_seconds: Some(cpu), ..Scraped::default() };
            watcher.point("gateway".into(), at, scraped).cores
        };
        assert_eq!(cores(1.0, 10.0), None);
        assert_eq!(cores(3.0, 11.0), Some(0.5));
        assert_eq!(cores(4.0, 0.25), None);
        assert_eq!(cores(5.0, 1.25), Some(1.0));
    }

    #[test]
    fn what_was_watched_is_dated_from_the_beginning_of_the_run() {
        let point = NodePoint { at: 2.0, ..NodePoint::default() };
        let nodes = vec![NodeSeries { name: "gateway".into(), points: vec![point] }];
        let burned = Burned::from([("gateway".into(), vec![(2.0, 0.5)])]);
        let (nodes, burned) = Watched { from: 1_000.0, nodes, burned }.since(1_001.5);
        assert_eq!((nodes[0].points[0].at, burned["gateway"][0]), (0.5, (0.5, 0.5)));
    }

    #[test]
    fn nothing_to_watch_starts_nothing() {
        assert!(Watcher::new(&[], &[], Instant::now()).is_none());
    }
}
