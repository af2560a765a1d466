//! What was allocated while something ran, and where. Reads the profile that `dhat` writes.

use std::fmt;

use serde::Deserialize;
use tempfile::TempDir;

/// Callers of a place that are shown: the nearest ones of our own.
const SHOWN: usize = 5;

/// One place that allocated.
struct Place {
    blocks: u64,
    bytes: u64,
    stack: Vec<String>,
}

/// Everything that was allocated in one run, the most frequent place first.
pub(crate) struct Run(Vec<Place>);

impl Run {
    fn blocks(&self) -> f64 {
        self.0.iter().map(|place| place.blocks).sum::<u64>() as f64
    }
}

/// What a message costs, and what each of its deliveries costs, from a run with few members and one with many.
pub(crate) struct Cost {
    messages: usize,
    members: [usize; 2],
    runs: [Run; 2],
}

impl Cost {
    /// Runs both.
    pub(crate) fn of(messages: usize, members: [usize; 2], run: impl Fn(usize) -> Run) -> Self {
        Self { messages, members, runs: members.map(run) }
    }

    /// Allocations that each further member causes by each message.
    pub(crate) fn per_delivery(&self) -> f64 {
        let [few, many] = &self.runs;
        let deliveries = self.messages * (self.members[1] - self.members[0]);
        ((many.blocks() - few.blocks()) / deliveries as f64).max(0.0)
    }

    /// Allocations by each message that do not depend on how many hear it.
    pub(crate) fn per_message(&self) -> f64 {
        self.runs[0].blocks() / self.messages as f64 - self.per_delivery() * self.members[0] as f64
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, members) = (self.messages as f64, self.members[1]);
        writeln!(out, "{:.3} per delivery, {:.1} per message", self.per_delivery(), self.per_message())?;
        writeln!(out, "  with {members} members, by message:")?;
        for place in self.runs[1].0.iter().filter(|place| place.blocks as f64 >= messages / 10.0) {
            let (blocks, size) = (place.blocks as f64 / messages, place.bytes / place.blocks);
            writeln!(out, "  {blocks:6.2} of {size:5} bytes  {}", place.stack[..].join("\n      < "))?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Profile {
    pps: Vec<Point>,
    ftbl: Vec<String>,
}

#[derive(Deserialize)]
struct Point {
    tb: u64,
    tbk: u64,
    fs: Vec<usize>,
}

/// Runs something and returns what it allocated. One at a time in a process.
pub(crate) fn measure(run: impl FnOnce()) -> Run {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("heap.json");
    let profiler = dhat::Profiler::builder().file_name(&file).trim_backtraces(None).build();
    run();
    drop(profiler);
    let profile: Profile = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut places: Vec<_> = profile.pps.iter().map(|point| place(point, &profile.ftbl)).collect();
    places.sort_by_key(|place| std::cmp::Reverse(place.blocks));
    Run(places)
}

fn place(point: &Point, frames: &[String]) -> Place {
    let stack = point.fs.iter().map(|frame| readable(&frames[*frame]));
    let stack = stack.filter(|frame| !is_plumbing(frame)).take(SHOWN).map(str::to_owned).collect();
    Place { blocks: point.tbk, bytes: point.tb, stack }
}

/// Without the address.
fn readable(frame: &str) -> &str {
    frame.split_once(": ").map_or(frame, |(_, rest)| rest)
}

/// The allocator, the collections above it, and what lies below every task.
fn is_plumbing(frame: &str) -> bool {
    let plumbing = [
        "backtrace::",
        "dhat",
        "alloc::",
        "(alloc/src",
        "(src/raw_vec",
        "(src/vec",
        "(collections/",
        "core::",
        "(core/src",
        "std::",
        "(std/src",
        "tokio::",
        "__rust",
        "[root]",
    ];
    plumbing.iter().any(|part| frame.contains(part)) && !is_ours(frame)
}

fn is_ours(frame: &str) -> bool {
    ["domain::", "wire::", "gateway::", "broker::"]
        .iter()
        .any(|part| frame.starts_with(part) || frame.starts_with(&format!("<{part}")))
}
