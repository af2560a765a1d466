//! Storms: how many were cut at once, how soon all of them were back, and what that cost the servers.
//!
//! Owns the arithmetic over moments and readings of CPU. Whom a storm cut is `run::herd`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::marks::Mark;

/// CPU seconds so far of each server, by moments of the run, oldest first.
pub(crate) type Burned = BTreeMap<String, Vec<(f64, f64)>>;

/// One storm as the clients lived through it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Storm {
    /// Seconds from the beginning of the run to the cut.
    pub at: f64,
    /// How long they stayed away by themselves, in seconds.
    pub away: f64,
    /// Clients cut.
    pub cut: u64,
    /// Clients back in all of their rooms.
    pub back: u64,
    /// Seconds from when they might come back until the last one was.
    pub longest: f64,
}

/// A storm and what it cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StormCost {
    /// What the clients saw.
    #[serde(flatten)]
    pub storm: Storm,
    /// CPU seconds of the servers from the cut until all were back; absent if nobody watched them or not all came back.
    pub cpu_seconds: Option<f64>,
    /// Clients brought back per CPU second.
    pub reconnects_per_cpu_second: Option<f64>,
}

impl Storm {
    /// Storms in their order; `marks` tell when they broke.
    pub(crate) fn dated(mut storms: Vec<Self>, marks: &[Mark]) -> Vec<Self> {
        let broke = marks.iter().filter(|mark| mark.kind == "storm");
        storms.iter_mut().zip(broke).for_each(|(storm, mark)| storm.at = mark.at);
        storms
    }

    /// The same storm over two parts of the herd, the second of which counts from `later` seconds after the first.
    pub(crate) fn merge(&mut self, other: &Self, later: f64) {
        self.at = self.at.min(other.at + later);
        self.away = self.away.max(other.away);
        self.cut += other.cut;
        self.back += other.back;
        self.longest = self.longest.max(other.longest);
    }

    pub(crate) fn cost(self, burned: &Burned) -> StormCost {
        let all_back = self.cut > 0 && self.back >= self.cut;
        let until = self.at + self.away + self.longest;
        let spent = || burned.values().map(|readings| between(readings, self.at, until)).sum::<Option<f64>>();
        let cpu_seconds = (all_back && !burned.is_empty()).then(spent).flatten();
        let per = cpu_seconds.filter(|spent| *spent > 0.0).map(|spent| self.back as f64 / spent);
        StormCost { storm: self, cpu_seconds, reconnects_per_cpu_second: per }
    }
}

/// What was burned between two moments; absent without readings on both sides of each.
fn between(readings: &[(f64, f64)], from: f64, until: f64) -> Option<f64> {
    Some(at(readings, until)? - at(readings, from)?)
}

/// Readings lie a quarter of a second apart; in between, work is taken to be even.
fn at(readings: &[(f64, f64)], moment: f64) -> Option<f64> {
    let after = readings.partition_point(|(at, _)| *at < moment);
    let (next_at, next) = *readings.get(after)?;
    let (last_at, last) = *readings.get(after.checked_sub(1)?)?;
    Some(last + (next - last) * (moment - last_at) / (next_at - last_at).max(f64::EPSILON))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storm(at: f64) -> Storm {
        Storm { at, away: 1.0, cut: 500, back: 500, longest: 1.5 }
    }

    #[test]
    fn the_price_of_a_storm_is_what_all_servers_burned_from_the_cut_to_the_last_return() {
        let even = |step: f64| (0..20).map(|k| (f64::from(k) * 0.5, f64::from(k) * 0.5 * step)).collect();
        let burned = Burned::from([("gateway".into(), even(0.3)), ("redis".into(), even(0.1))]);
        let cost = storm(2.25).cost(&burned);
        assert!((cost.cpu_seconds.unwrap() - 1.0).abs() < 1e-9, "{cost:?}");
        assert!((cost.reconnects_per_cpu_second.unwrap() - 500.0).abs() < 1e-6);
        assert_eq!(storm(9.0).cost(&burned).cpu_seconds, None, "nobody looked after the run");
        let missing = Storm { back: 499, ..storm(2.25) };
        assert_eq!(missing.cost(&burned).cpu_seconds, None, "not all came back");
        assert_eq!(storm(2.25).cost(&Burned::new()).cpu_seconds, None, "nobody watched");
    }

    #[test]
    fn two_parts_of_a_herd_are_one() {
        let mut whole = storm(2.0);
        whole.merge(&Storm { longest: 4.0, back: 499, ..storm(1.8) }, 0.1);
        assert_eq!(whole, Storm { at: 1.9000000000000001, away: 1.0, cut: 1_000, back: 999, longest: 4.0 });
    }
}
