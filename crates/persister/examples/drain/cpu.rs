//! CPU time of the worker and its neighbours, from /proc.

use std::fmt;
use std::fs;

use crate::servers::Servers;

/// Clock ticks are hundredths of a second on every Linux.
const MICROSECONDS_PER_TICK: u64 = 10_000;

/// CPU time from here on.
pub(crate) struct Meter {
    redis: u32,
    postgres: u32,
    begun: Spent,
}

/// Microseconds, user and system.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    worker: u64,
    redis: u64,
    postgres: u64,
}

impl Meter {
    pub(crate) fn start(servers: &Servers) -> Self {
        let (redis, postgres) = (servers.redis.pid(), servers.postgres.pid());
        Self { redis, postgres, begun: spent(redis, postgres) }
    }

    /// What was spent since the start, for each of `count`.
    pub(crate) fn per(&self, count: usize) -> String {
        let now = spent(self.redis, self.postgres);
        let each = |now: u64, then: u64| (now - then) as f64 / count as f64;
        let worker = each(now.worker, self.begun.worker);
        let redis = each(now.redis, self.begun.redis);
        let postgres = each(now.postgres, self.begun.postgres);
        Told { worker, redis, postgres }.to_string()
    }
}

struct Told {
    worker: f64,
    redis: f64,
    postgres: f64,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {:.1}, redis {:.1}, postgres {:.1}", self.worker, self.redis, self.postgres)
    }
}

fn spent(redis: u32, postgres: u32) -> Spent {
    Spent {
        worker: ticks(std::process::id()).0 * MICROSECONDS_PER_TICK,
        redis: ticks(redis).0 * MICROSECONDS_PER_TICK,
        postgres: family(postgres) * MICROSECONDS_PER_TICK,
    }
}

/// The first process and its children, those that have ended among them.
fn family(first: u32) -> u64 {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let children = processes.map(ticks).filter(|(_, parent, _)| *parent == first).map(|(own, _, _)| own);
    let (own, _, ended) = ticks(first);
    own + ended + children.sum::<u64>()
}

/// A process' own ticks, its parent, and the ticks of its children that have ended. Zero where it is gone.
fn ticks(process: u32) -> (u64, u32, u64) {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let Some((_, rest)) = text.rsplit_once(')') else { return (0, 0, 0) };
    let field =
        |index: usize| rest.split_whitespace().nth(index).and_then(|text| text.parse().ok()).unwrap_or(0);
    (field(11) + field(12), u32::try_from(field(1)).unwrap_or(0), field(13) + field(14))
}
