//! What operators see of a worker.

use std::time::Duration;

use domain::ports::{Appended, Backlog};
use domain::words::Timestamp;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const ENTRIES: &str = "hubbub_persister_entries_total";
const BATCHES: &str = "hubbub_persister_batches_total";
const BATCH_ENTRIES: &str = "hubbub_persister_batch_entries";
const COMMIT_SECONDS: &str = "hubbub_persister_commit_seconds";
const LAG_SECONDS: &str = "hubbub_persister_lag_seconds";
const JOURNAL_LENGTH: &str = "hubbub_persister_journal_length";
const JOURNAL_OLDEST: &str = "hubbub_persister_journal_oldest_seconds";
const DEAD_LETTERS: &str = "hubbub_persister_dead_letters_total";
const LEASES: &str = "hubbub_persister_leases";
const FAILURES: &str = "hubbub_persister_failures_total";

/// Registers names, units and help, and makes the counters that alarms watch begin at 0.
pub(crate) fn describe() {
    describe_counter!(ENTRIES, "Entries taken from the journal, by what became of them in the database.");
    describe_counter!(BATCHES, "Transactions committed.");
    describe_histogram!(BATCH_ENTRIES, "Entries in one committed transaction.");
    describe_histogram!(
        COMMIT_SECONDS,
        Unit::Seconds,
        "Time from handing a batch to the database to its commit."
    );
    describe_gauge!(
        LAG_SECONDS,
        Unit::Seconds,
        "Age of the newest entry of the last commit, when it was committed."
    );
    describe_gauge!(JOURNAL_LENGTH, "Entries waiting in the journal, all shards and workers together.");
    describe_gauge!(JOURNAL_OLDEST, Unit::Seconds, "Age of the oldest entry waiting in the journal.");
    describe_counter!(DEAD_LETTERS, "Entries that could not be written and were copied to the dead letters.");
    describe_gauge!(LEASES, "Shards that this worker holds.");
    describe_counter!(FAILURES, "Calls that failed and are tried again, by the side that failed.");
    counter!(DEAD_LETTERS).absolute(0);
    for side in ["journal", "store"] {
        counter!(FAILURES, "side" => side).absolute(0);
    }
}

/// A transaction was committed.
pub(crate) fn committed(outcomes: &[Appended], took: Duration, newest: Option<Timestamp>) {
    counter!(BATCHES).increment(1);
    histogram!(BATCH_ENTRIES).record(float(outcomes.len()));
    histogram!(COMMIT_SECONDS).record(took.as_secs_f64());
    for outcome in [Appended::Stored, Appended::Replayed, Appended::Repeated, Appended::Conflict] {
        let count = outcomes.iter().filter(|each| **each == outcome).count();
        entries(name(outcome), count);
    }
    if let Some(newest) = newest {
        let lag = Duration::from_millis(newest.millis_until(Timestamp::now()));
        gauge!(LAG_SECONDS).set(lag.as_secs_f64());
    }
}

/// A record was copied to the dead letters; `outcome` is why, where no commit has counted it.
pub(crate) fn buried(outcome: Option<&'static str>) {
    counter!(DEAD_LETTERS).increment(1);
    if let Some(outcome) = outcome {
        entries(outcome, 1);
    }
}

/// A call failed and is tried again.
pub(crate) fn failed(side: &'static str) {
    counter!(FAILURES, "side" => side).increment(1);
}

/// How much waits.
pub(crate) fn backlog(backlog: Backlog) {
    gauge!(JOURNAL_LENGTH).set(float(usize::try_from(backlog.length).unwrap_or(usize::MAX)));
    gauge!(JOURNAL_OLDEST).set(backlog.oldest.as_secs_f64());
}

/// How many shards are held.
pub(crate) fn leases(held: usize) {
    gauge!(LEASES).set(float(held));
}

fn entries(outcome: &'static str, count: usize) {
    if count > 0 {
        counter!(ENTRIES, "outcome" => outcome).increment(count as u64);
    }
}

fn name(outcome: Appended) -> &'static str {
    match outcome {
        Appended::Stored => "stored",
        Appended::Replayed => "replayed",
        Appended::Repeated => "repeated",
        Appended::Conflict => "conflict",
    }
}

/// Exact up to 2^53, which no count here reaches.
fn float(count: usize) -> f64 {
    count as f64
}
