//! The measured window: what the servers and the generator spent between two moments, and what was delivered.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{
    measure::procfs::{self, Reading},
    measure::tally::Tally,
    report::result::{IdleCost, ProcessCost, ServerCost},
    run::options::{Options, ServerProcess},
    run::world::World,
    scenario::load::Scenario,
};

/// Roles that are reported beside the total: they work behind the message path.
const BESIDE: [&str; 2] = ["persister", "postgres"];

/// Whether a role, or a name made from it, works behind the message path.
pub(crate) fn is_beside(role: &str) -> bool {
    BESIDE.iter().any(|beside| role.starts_with(beside))
}

/// All watched processes at one moment; the generator itself is among them.
pub(crate) struct Snapshot {
    at: Instant,
    delivered: u64,
    acknowledged: u64,
    /// CPU time of the generator so far.
    generator: f64,
    servers: BTreeMap<u32, Reading>,
}

/// The difference of two snapshots.
pub(crate) struct Window {
    pub(crate) span: Duration,
    pub(crate) delivered: u64,
    pub(crate) acknowledged: u64,
    /// CPU time of the generator.
    pub(crate) generator_cpu: f64,
    /// What each server process spent.
    pub(crate) processes: Vec<ProcessCost>,
}

/// The processes of the options and of the scenario.
pub(crate) fn watched(scenario: &Scenario, options: &Options) -> Vec<ServerProcess> {
    let named = scenario.pids.iter().flat_map(|(role, pids)| {
        pids.as_slice().iter().map(|pid| ServerProcess { role: role.clone(), pid: *pid })
    });
    named.chain(options.processes.iter().cloned()).collect()
}

pub(crate) fn snapshot(world: &World, processes: &[ServerProcess]) -> Snapshot {
    snapshot_of(&world.tally, processes)
}

/// As `snapshot`, for whoever watches the servers and has no clients of its own.
pub(crate) fn snapshot_of(tally: &Tally, processes: &[ServerProcess]) -> Snapshot {
    let read = |process: &ServerProcess| Some((process.pid, procfs::read(process.pid)?));
    Snapshot {
        at: Instant::now(),
        delivered: tally.delivered.get(),
        acknowledged: tally.acknowledged.get(),
        generator: procfs::own_cpu_seconds(),
        servers: processes.iter().filter_map(read).collect(),
    }
}

pub(crate) fn window(before: &Snapshot, after: &Snapshot, processes: &[ServerProcess]) -> Window {
    Window {
        span: after.at - before.at,
        delivered: after.delivered - before.delivered,
        acknowledged: after.acknowledged - before.acknowledged,
        generator_cpu: after.generator - before.generator,
        processes: process_costs(before, after, processes),
    }
}

/// What the processes spent, set against what was delivered meanwhile; absent if none were watched.
pub(crate) fn server_cost(processes: Vec<ProcessCost>, delivered: u64) -> Option<ServerCost> {
    let cpu_seconds = total_cpu(&processes);
    let ratio = |top: f64, bottom: f64| if bottom > 0.0 { top / bottom } else { 0.0 };
    (!processes.is_empty()).then(|| ServerCost {
        cpu_seconds,
        deliveries_per_cpu_second: ratio(delivered as f64, cpu_seconds),
        cpu_micros_per_delivery: ratio(cpu_seconds * 1e6, delivered as f64),
        processes,
    })
}

fn total_cpu(processes: &[ProcessCost]) -> f64 {
    processes.iter().filter(|process| !process.beside).filter_map(|process| process.cpu_seconds).sum()
}

fn process_costs(before: &Snapshot, after: &Snapshot, processes: &[ServerProcess]) -> Vec<ProcessCost> {
    processes.iter().map(|process| process_cost(before, after, process)).collect()
}

fn process_cost(before: &Snapshot, after: &Snapshot, process: &ServerProcess) -> ProcessCost {
    let (first, last) = (before.servers.get(&process.pid), after.servers.get(&process.pid));
    ProcessCost {
        role: process.role.clone(),
        pid: process.pid,
        beside: is_beside(&process.role),
        cpu_seconds: first.zip(last).map(|(first, last)| (last.cpu_seconds - first.cpu_seconds).max(0.0)),
        rss_kib_before: first.map(|reading| reading.rss_kib),
        rss_kib_after: last.map(|reading| reading.rss_kib),
    }
}

/// What idle connections cost: memory between `empty` and `rested`, CPU between `rested` and `later`.
pub(crate) fn idle_cost(
    connections: usize,
    empty: &Snapshot,
    rested: &Snapshot,
    later: &Snapshot,
    processes: &[ServerProcess],
) -> IdleCost {
    let grown = process_costs(empty, rested, processes);
    let idle = process_costs(rested, later, processes);
    let growth = |process: &ProcessCost| {
        process.rss_kib_after.unwrap_or(0) as f64 - process.rss_kib_before.unwrap_or(0) as f64
    };
    let kib: f64 = grown.iter().filter(|process| !process.beside).map(growth).sum();
    let seconds = (later.at - rested.at).as_secs_f64().max(f64::EPSILON);
    IdleCost {
        connections,
        kib_per_connection: kib / connections as f64,
        cpu_micros_per_connection_second: total_cpu(&idle) * 1e6 / (connections as f64 * seconds),
        processes: grown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(at: Instant, delivered: u64, cpu: [f64; 2], rss: [u64; 2]) -> Snapshot {
        let reading = |index: usize| Reading { cpu_seconds: cpu[index], rss_kib: rss[index] };
        Snapshot {
            at,
            delivered,
            acknowledged: 0,
            generator: 0.0,
            servers: BTreeMap::from([(1, reading(0)), (2, reading(1))]),
        }
    }

    fn processes() -> Vec<ServerProcess> {
        let process = |role: &str, pid| ServerProcess { role: role.into(), pid };
        vec![process("gateway", 1), process("persister-a", 2)]
    }

    #[test]
    fn the_persister_is_reported_beside_the_cost_of_a_delivery() {
        let now = Instant::now();
        let before = snapshot(now, 1_000, [1.0, 5.0], [100, 100]);
        let after = snapshot(now + Duration::from_secs(10), 51_000, [3.0, 9.0], [100, 100]);
        let window = window(&before, &after, &processes());
        let cost = server_cost(window.processes, window.delivered).unwrap();
        assert!((cost.cpu_seconds - 2.0).abs() < 1e-9);
        assert!((cost.deliveries_per_cpu_second - 25_000.0).abs() < 1e-6);
        assert!((cost.cpu_micros_per_delivery - 40.0).abs() < 1e-6);
        assert_eq!(cost.processes[1].cpu_seconds, Some(4.0));
    }

    #[test]
    fn idle_cost_is_growth_per_connection() {
        let now = Instant::now();
        let empty = snapshot(now, 0, [0.0, 0.0], [10_000, 5_000]);
        let rested = snapshot(now, 0, [2.0, 0.0], [50_000, 9_000]);
        let later = snapshot(now + Duration::from_secs(10), 0, [2.1, 0.0], [50_000, 9_000]);
        let cost = idle_cost(5_000, &empty, &rested, &later, &processes());
        assert!((cost.kib_per_connection - 8.0).abs() < 1e-9);
        assert!((cost.cpu_micros_per_connection_second - 2.0).abs() < 1e-6);
    }
}
