//! What parent and worker say to one another: lines of JSON over the worker's standard input and output.
//!
//! Owns the words. The secret travels in the assignment and never stands on a command line, where every process of the
//! machine could read it.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::measure::{record::Record, tally::Counters};

/// The first line to a worker: its part of the run.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Assignment {
    /// The whole scenario as it stands in the file, and what is laid over it.
    pub(super) scenario: String,
    pub(super) overrides: Vec<String>,
    /// Which part of how many.
    pub(super) part: usize,
    pub(super) parts: usize,
    pub(super) secret: String,
    pub(super) database: Option<String>,
    /// Commands of faults; only the first part makes them.
    pub(super) faults: BTreeMap<String, String>,
}

/// Every further line to a worker. The end of its input means that nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Everyone everywhere has joined: the phases begin at this moment, in Unix microseconds.
    Begin { at: u64 },
    /// No new messages from now on.
    Finish,
}

/// Every line from a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// All of its clients have joined.
    Joined,
    /// What it has counted so far, once a second.
    Counted { counters: Box<Counters>, errors: u64, connections: u64 },
    /// Its last word: what it measured.
    Done { record: Box<Record> },
    /// Its last word: why there is nothing, and whether that was because the servers did not let all of its clients in.
    Failed { reason: String, not_joined: bool },
}

/// One line.
pub(super) fn line(word: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string(word)? + "\n")
}

/// Reads one line; the error does not repeat it, because it may hold the secret.
pub(super) fn read<T: DeserializeOwned>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| format!("not understood ({:?})", error.classify()))
}

/// Now, on the clock that all processes of a machine share.
pub(super) fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_words_are_one_line_each_and_come_back_as_they_were() {
        let order = Order::Begin { at: 17 };
        let text = line(&order).unwrap();
        assert_eq!((text.lines().count(), read::<Order>(&text).unwrap()), (1, order));
        let text = line(&Word::Failed { reason: "two\nlines".into(), not_joined: true }).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert!(
            matches!(read(&text), Ok(Word::Failed { reason, not_joined: true }) if reason == "two\nlines")
        );
    }

    #[test]
    fn what_is_not_understood_is_not_repeated() {
        let told = read::<Assignment>("{\"secret\": \"hush\"}").err().unwrap();
        assert!(!told.contains("hush"), "{told}");
    }
}
