//! CPU time and memory of processes, read from `/proc`. A process is counted with its descendants (Postgres forks a
//! backend per connection, HAProxy a worker). Owns reading; what it means is `steady.rs`.

use std::{collections::BTreeMap, fs};

/// Linux reports CPU times to user space in hundredths of a second on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// One reading of a process tree.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Reading {
    /// User and system time so far, of the tree and of the children that it has reaped.
    pub(crate) cpu_seconds: f64,
    pub(crate) rss_kib: u64,
}

#[derive(Debug, PartialEq)]
struct Stat {
    parent: u32,
    ticks: u64,
}

/// Processes with their descendants, as they were when they were looked for.
#[derive(Debug, Default)]
pub(crate) struct Trees(BTreeMap<u32, Vec<u32>>);

/// Looks through all of `/proc` once, for all of these.
pub(crate) fn trees(pids: &[u32]) -> Trees {
    let stats = all_stats();
    let present = pids.iter().filter(|pid| stats.contains_key(pid));
    Trees(present.map(|pid| (*pid, descendants(*pid, &stats))).collect())
}

/// Reads a tree; absent if the process is gone.
pub(crate) fn read(pid: u32) -> Option<Reading> {
    trees(&[pid]).read(pid)
}

impl Trees {
    /// One of the trees; absent if the process is gone. Descendants that came later are not in it.
    pub(crate) fn read(&self, pid: u32) -> Option<Reading> {
        stat(pid)?;
        let mut reading = Reading::default();
        for pid in self.0.get(&pid)? {
            reading.cpu_seconds += stat(*pid).map_or(0.0, |stat| stat.ticks as f64 / TICKS_PER_SECOND);
            reading.rss_kib += rss_kib(*pid);
        }
        Some(reading)
    }
}

/// The process itself first.
fn descendants(pid: u32, stats: &BTreeMap<u32, Stat>) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(stats.iter().filter(|(_, stat)| stat.parent == parent).map(|(child, _)| *child));
        next += 1;
    }
    found
}

/// User and system time that this process has used; cheap enough to be asked for every second.
pub(crate) fn own_cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").ok().and_then(|line| parse_stat(&line));
    stat.map_or(0.0, |stat| stat.ticks as f64 / TICKS_PER_SECOND)
}

/// How many files this process may open.
pub(crate) fn open_file_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

fn all_stats() -> BTreeMap<u32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?))).collect()
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The command name may hold spaces and parentheses: fields are counted from the last `)`.
fn parse_stat(line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn rss_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a b) c) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 4 0 12345 1000 250";
        assert_eq!(parse_stat(line), Some(Stat { parent: 7, ticks: 124 }));
    }

    #[test]
    fn this_process_is_found_and_an_absent_one_is_not() {
        assert!(read(std::process::id()).is_some_and(|reading| reading.rss_kib > 0));
        assert_eq!(read(u32::MAX), None);
    }
}
