//! Latency as the clients see it, in histograms of microseconds.
//!
//! Owns recording. `intended` counts from the moment a message *should* have left, so a stalled generator or server
//! cannot hide its own delay (coordinated omission); `sent` counts from the moment it did. What was recorded leaves
//! as `distribution::Distribution`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hdrhistogram::Histogram;

use crate::{
    measure::{distribution::Distribution, record::Timed},
    wire::message::Stamp,
};

/// Clients are spread over this many histograms, so that threads seldom meet at one lock.
const SHARDS: usize = 8;
/// Five minutes: anything slower counts as five minutes.
const HIGHEST: u64 = 300_000_000;

struct Shard {
    intended: Histogram<u64>,
    sent: Histogram<u64>,
    recovered: Histogram<u64>,
    lag: Histogram<u64>,
    /// `intended` since the last look: two digits, because it is taken and cleared every second.
    lately: Histogram<u64>,
}

/// What happens once in a while and needs no shards.
struct Seldom {
    connect: Histogram<u64>,
    reconnect: Histogram<u64>,
    acts: BTreeMap<&'static str, Histogram<u64>>,
}

pub(crate) struct Latency {
    shards: Vec<Mutex<Shard>>,
    seldom: Mutex<Seldom>,
}

impl Latency {
    pub(crate) fn new() -> Self {
        let shard = || Shard {
            intended: histogram(3),
            sent: histogram(3),
            recovered: histogram(3),
            lag: histogram(3),
            lately: histogram(2),
        };
        let seldom = Seldom { connect: histogram(3), reconnect: histogram(3), acts: BTreeMap::new() };
        Self { shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(), seldom: Mutex::new(seldom) }
    }

    /// A live delivery at `now`.
    pub(crate) fn live(&self, client: usize, stamp: Stamp, now: u64) {
        let micros = now.saturating_sub(stamp.intended);
        let mut shard = self.shard(client);
        shard.intended.saturating_record(micros);
        shard.lately.saturating_record(micros);
        shard.sent.saturating_record(now.saturating_sub(stamp.sent));
    }

    /// A delivery at `now` by replay or from the history.
    pub(crate) fn recovered(&self, client: usize, stamp: Stamp, now: u64) {
        self.shard(client).recovered.saturating_record(now.saturating_sub(stamp.intended));
    }

    /// How late the generator itself was with a first send on a standing connection.
    pub(crate) fn lag(&self, client: usize, micros: u64) {
        self.shard(client).lag.saturating_record(micros);
    }

    /// A connection stands: from opening the TCP connection to the end of the handshake.
    pub(crate) fn connected(&self, _client: usize, micros: u64) {
        lock(&self.seldom).connect.saturating_record(micros);
    }

    /// A client is back in all of its rooms: from the cut to there.
    pub(crate) fn reconnected(&self, _client: usize, micros: u64) {
        lock(&self.seldom).reconnect.saturating_record(micros);
    }

    /// A client did something besides saying something (`history`, `book`, …) and had its answer after this long.
    pub(crate) fn acted(&self, act: &'static str, micros: u64) {
        let mut seldom = lock(&self.seldom);
        seldom.acts.entry(act).or_insert_with(|| histogram(3)).saturating_record(micros);
    }

    /// Live deliveries since the last call.
    pub(crate) fn take_lately(&self) -> Distribution {
        let mut whole = histogram(2);
        for shard in &self.shards {
            let lately = &mut lock(shard).lately;
            whole.add(&*lately).expect("the parts have the same bounds as the whole");
            lately.reset();
        }
        Distribution::from(&whole)
    }

    pub(crate) fn read(&self) -> Timed {
        let seldom = lock(&self.seldom);
        let acts = seldom.acts.iter().map(|(act, times)| ((*act).to_owned(), Distribution::from(times)));
        Timed {
            intended: self.merged(|shard| &shard.intended),
            sent: self.merged(|shard| &shard.sent),
            recovered: self.merged(|shard| &shard.recovered),
            lag: self.merged(|shard| &shard.lag),
            connect: Distribution::from(&seldom.connect),
            reconnect: Distribution::from(&seldom.reconnect),
            acts: acts.collect(),
        }
    }

    fn shard(&self, client: usize) -> MutexGuard<'_, Shard> {
        lock(&self.shards[client % SHARDS])
    }

    fn merged(&self, part: impl Fn(&Shard) -> &Histogram<u64>) -> Distribution {
        let mut whole = histogram(3);
        for shard in &self.shards {
            whole.add(part(&lock(shard))).expect("the parts have the same bounds as the whole");
        }
        Distribution::from(&whole)
    }
}

/// An empty histogram that keeps this many significant digits.
pub(crate) fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST, digits)
        .expect("1 to 300,000,000 at 2 or 3 digits is a legal range")
}

/// Figures stay readable when a client's task has panicked over them.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_send_shows_in_the_intended_latency_and_not_in_the_other() {
        let latency = Latency::new();
        latency.live(1, Stamp { intended: 1_000, sent: 51_000 }, 53_000);
        latency.live(2, Stamp { intended: 1_000, sent: 51_000 }, 53_000);
        let (intended, sent) = (latency.read().intended.percentiles(), latency.read().sent.percentiles());
        assert_eq!(intended.count, 2);
        assert!((intended.p99 - 52.0).abs() < 0.1, "{intended:?}");
        assert!((sent.p99 - 2.0).abs() < 0.1, "{sent:?}");
    }

    #[test]
    fn what_was_taken_lately_is_not_taken_again_and_stays_in_the_whole() {
        let latency = Latency::new();
        latency.live(1, Stamp { intended: 0, sent: 0 }, 10_000);
        assert_eq!(latency.take_lately().count(), 1);
        assert_eq!(latency.take_lately().count(), 0);
        assert_eq!(latency.read().intended.count(), 1);
    }

    #[test]
    fn connections_and_acts_have_histograms_of_their_own() {
        let latency = Latency::new();
        latency.connected(1, 2_000);
        latency.reconnected(1, 70_000);
        latency.acted("history", 5_000);
        let timed = latency.read();
        let counts = [&timed.connect, &timed.reconnect, &timed.acts["history"]].map(Distribution::count);
        assert_eq!(counts, [1, 1, 1]);
        assert_eq!(timed.intended.count(), 0);
    }
}
