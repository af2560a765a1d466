//! Everything that one process of the swarm measured, raw enough to be merged with what the others did.
//!
//! Owns the shape and the merge. What the figures mean is `report::compose`. Invariant: merging the records of
//! several processes gives what one process that did all of it would have recorded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::{
    distribution::Distribution,
    marks::{self, Mark},
    storms::Storm,
    tally::Counters,
};

/// Raised when the shape of a record or a report changes in a way that older readers would misread.
pub(crate) const SCHEMA: u32 = 2;
/// Examples of breaches that a merged record keeps.
const FINDINGS_KEPT: usize = 40;

/// What one process measured, or several together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The version of this shape.
    pub schema: u32,
    /// The id inside the run's room names and client ids.
    pub run: String,
    /// When the run began, in Unix seconds.
    pub began: f64,
    /// Length of the measured window in seconds.
    pub seconds: f64,
    /// Messages that the schedule called for.
    pub intended: u64,
    /// All counts.
    pub counters: Counters,
    /// Deliveries in the measured window.
    pub delivered_measured: u64,
    /// Messages acknowledged in the measured window.
    pub acknowledged_measured: u64,
    /// Connections that stood before the clients hung up.
    pub connections_at_end: u64,
    /// Errors by code.
    pub errors: BTreeMap<String, u64>,
    /// What clients did besides saying something, by name.
    pub acts: BTreeMap<String, u64>,
    /// Examples of breaches.
    pub findings: Vec<String>,
    /// What was timed.
    pub timed: Timed,
    /// One entry per second, by the Unix second that it ends with.
    pub series: BTreeMap<u64, Second>,
    /// Phases and faults.
    pub marks: Vec<Mark>,
    /// Storms, in their order.
    pub storms: Vec<Storm>,
    /// How loaded each process of the swarm itself was.
    pub generators: Vec<Generator>,
}

/// All distributions of a run, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timed {
    /// Live deliveries, from the moment the message should have left.
    pub intended: Distribution,
    /// Live deliveries, from the moment the message first left.
    pub sent: Distribution,
    /// Deliveries by replay or from the history.
    pub recovered: Distribution,
    /// How late the generator sent on standing connections.
    pub lag: Distribution,
    /// From opening the TCP connection to the end of the handshake.
    pub connect: Distribution,
    /// From the cut to being in all rooms again.
    pub reconnect: Distribution,
    /// What clients did besides, by name: `history`, `book`, …
    pub acts: BTreeMap<String, Distribution>,
}

/// What happened in one second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Second {
    /// Its true length: longer than 1 if the generator was too busy to look at the clock.
    pub span: f64,
    /// Receipts.
    pub delivered: u64,
    /// First sends.
    pub sent: u64,
    /// Messages that their sender saw back.
    pub acknowledged: u64,
    /// Errors of all codes.
    pub errors: u64,
    /// Connections that stood at its end.
    pub connections: u64,
    /// Connections regained.
    pub reconnects: u64,
    /// Live deliveries of measured messages, to two digits.
    pub latency: Distribution,
    /// CPU time that the generator used.
    pub generator_cpu: f64,
}

/// How loaded one process of the swarm was in the measured window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    /// Its process id.
    pub pid: u32,
    /// CPU time in the measured window.
    pub cpu_seconds: f64,
    /// The measured window.
    pub seconds: f64,
    /// Cores that it could have used: worker threads, or fewer if it may not run on so many.
    pub threads: f64,
    /// How late it sent, p99 in milliseconds.
    pub lag_p99: f64,
    /// How late its timers fired, p99 in milliseconds.
    pub delay_p99: f64,
}

impl Record {
    /// What both processes measured. The earlier beginning becomes the origin of all marks.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if other.schema == 0 || (self.schema != 0 && other.began < self.began) {
            // An empty record stands for nothing measured yet.
            return if other.schema == 0 { self } else { other.merge(self) };
        }
        if self.schema == 0 {
            return other;
        }
        let later = other.began - self.began;
        let mut merged = self;
        merged.seconds = merged.seconds.max(other.seconds);
        merged.intended += other.intended;
        merged.counters = merged.counters.plus(&other.counters);
        merged.delivered_measured += other.delivered_measured;
        merged.acknowledged_measured += other.acknowledged_measured;
        merged.connections_at_end += other.connections_at_end;
        add_counts(&mut merged.errors, other.errors);
        add_counts(&mut merged.acts, other.acts);
        merged.findings.extend(other.findings);
        merged.findings.truncate(FINDINGS_KEPT);
        merged.timed.merge(&other.timed);
        for (second, measured) in &other.series {
            merged.series.entry(*second).or_default().merge(measured);
        }
        merged.merge_storms(&other.storms, later);
        merged.marks = marks::merge(merged.marks, other.marks, later);
        merged.generators.extend(other.generators);
        merged
    }
}

impl Record {
    /// All processes play the same scenario: the first storm of one is the first storm of all.
    fn merge_storms(&mut self, others: &[Storm], later: f64) {
        for (index, other) in others.iter().enumerate() {
            match self.storms.get_mut(index) {
                Some(storm) => storm.merge(other, later),
                None => self.storms.push(Storm { at: other.at + later, ..other.clone() }),
            }
        }
    }
}

impl Timed {
    fn merge(&mut self, other: &Self) {
        self.intended.merge(&other.intended);
        self.sent.merge(&other.sent);
        self.recovered.merge(&other.recovered);
        self.lag.merge(&other.lag);
        self.connect.merge(&other.connect);
        self.reconnect.merge(&other.reconnect);
        for (name, times) in &other.acts {
            self.acts.entry(name.clone()).or_default().merge(times);
        }
    }
}

impl Second {
    fn merge(&mut self, other: &Self) {
        self.span = self.span.max(other.span);
        self.delivered += other.delivered;
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.errors += other.errors;
        self.connections += other.connections;
        self.reconnects += other.reconnects;
        self.latency.merge(&other.latency);
        self.generator_cpu += other.generator_cpu;
    }
}

fn add_counts(to: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>) {
    for (name, count) in from {
        *to.entry(name).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(began: f64, delivered: u64) -> Record {
        let second = Second { span: 1.0, delivered, connections: 5, ..Second::default() };
        let mark = |label: &str| Mark { at: 3.0, kind: "phase".into(), label: label.into() };
        Record {
            schema: SCHEMA,
            began,
            seconds: 10.0,
            intended: 7,
            counters: Counters { delivered, ..Counters::default() },
            errors: BTreeMap::from([("close 1006".into(), 2)]),
            series: BTreeMap::from([(100, second)]),
            marks: vec![mark("steady"), mark(&format!("began {began}"))],
            generators: vec![Generator::default()],
            ..Record::default()
        }
    }

    #[test]
    fn counts_add_up_seconds_meet_and_marks_keep_their_moment_whatever_the_order() {
        let merged = record(97.5, 30).merge(record(98.0, 12));
        assert_eq!(merged, record(98.0, 12).merge(record(97.5, 30)));
        assert_eq!((merged.counters.delivered, merged.intended, merged.errors["close 1006"]), (42, 14, 4));
        let second = &merged.series[&100];
        assert_eq!((second.delivered, second.connections), (42, 10));
        let marks: Vec<f64> = merged.marks.iter().map(|mark| mark.at).collect();
        assert_eq!(marks, [3.0, 3.0, 3.5], "one `steady`, and each its own: {:?}", merged.marks);
        assert_eq!(merged.generators.len(), 2);
    }

    #[test]
    fn an_empty_record_changes_nothing_and_json_keeps_everything() {
        let one = record(5.0, 3);
        assert_eq!(Record::default().merge(one.clone()), one);
        assert_eq!(one.clone().merge(Record::default()), one);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), one);
    }
}
