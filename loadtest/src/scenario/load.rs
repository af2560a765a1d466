//! A scenario: who connects, how much they say, and what counts as good enough.
//!
//! Owns the settings and their validation; unknown keys are errors that name the key. Does not own secrets, process
//! ids or file names of one machine: those are `Options`.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Deserialize;

use crate::{
    run::options::OneOrMany,
    scenario::span,
    wire::dialect::{Dialect, Language},
};

/// What the clients do once they are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They send at a paced rate and judge what they hear.
    #[default]
    Chat,
    /// They join and stay silent: memory and idle CPU of the server are measured.
    Idle,
}

/// A load and its verdict's limits. Every field has a default, so code writes `Scenario { users: 10, ..default() }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Shown in the report.
    pub name: String,
    /// What the clients do.
    pub kind: Kind,
    /// What they speak.
    pub dialect: Language,
    /// The target is another product, which numbers nothing that could be judged and keeps no history: loss and repeats
    /// are told by each message's author, order is not judged.
    pub peer: bool,
    /// Messages carry client ids, so that they can be repeated after a fault. Where not, a repeat is a second message.
    pub client_ids: bool,
    /// Gateway addresses (`host:port`, `ws://…` or `http://…`), taken in turn.
    pub targets: Vec<String>,
    /// Connections, one user each (`u0`, `u1`, …).
    pub users: usize,
    /// Rooms; their names carry the run's id, so no run meets another's messages.
    pub rooms: usize,
    /// Rooms that each user joins.
    pub rooms_per_user: usize,
    /// How many of the users send; 0 means all of them.
    pub senders: usize,
    /// Messages per second of all senders together, on a fixed schedule (open model).
    pub rate: f64,
    /// Length of the sending phase after the warm-up; zero means until `Control::finish`.
    #[serde(deserialize_with = "span::required")]
    pub duration: Duration,
    /// Sending before the measurements begin; judged, not measured.
    #[serde(deserialize_with = "span::required")]
    pub warmup: Duration,
    /// How long to wait at the end until everyone has everything.
    #[serde(deserialize_with = "span::required")]
    pub settle: Duration,
    /// How long to wait at the end until everything is in the database.
    #[serde(deserialize_with = "span::required")]
    pub persistence: Duration,
    /// How long everyone may need for the first connection and join, beyond what `connect_rate` takes.
    #[serde(deserialize_with = "span::required")]
    pub ramp: Duration,
    /// New connections per second while ramping up.
    pub connect_rate: f64,
    /// Length of each text in bytes (at least the length of its time stamp).
    pub text_bytes: usize,
    /// First part of every room name: lower-case letters, digits and `-`.
    pub room_prefix: String,
    /// Loopback source addresses (`127.0.0.2`, …) to spread the connections over; 0 lets the system choose.
    pub source_addresses: u8,
    /// An unacknowledged message is repeated after this silence.
    #[serde(deserialize_with = "span::required")]
    pub repeat_after: Duration,
    /// Least distance between two sends of one client while it works off what an outage left behind.
    #[serde(deserialize_with = "span::required")]
    pub catch_up_spacing: Duration,
    /// A connection without one frame for this long (the server pings) is given up and replaced.
    #[serde(deserialize_with = "span::required")]
    pub silence: Duration,
    /// Server processes to measure: `gateway = 123` or `gateway = [123, 124]`.
    pub pids: BTreeMap<String, OneOrMany>,
    /// When the run counts as failed.
    pub thresholds: Thresholds,
}

/// Limits; a run that breaks one fails. Counts that are breaches of the promise default to zero.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Median latency, intended send to receipt.
    #[serde(deserialize_with = "span::optional")]
    pub p50: Option<Duration>,
    /// 90th percentile.
    #[serde(deserialize_with = "span::optional")]
    pub p90: Option<Duration>,
    /// 99th percentile.
    #[serde(deserialize_with = "span::optional")]
    pub p99: Option<Duration>,
    /// 99.9th percentile.
    #[serde(deserialize_with = "span::optional")]
    pub p999: Option<Duration>,
    /// The slowest delivery.
    #[serde(deserialize_with = "span::optional")]
    pub max: Option<Duration>,
    /// Acknowledged messages that a member never received, at most.
    pub lost: u64,
    /// Messages received twice, at most.
    pub repeated: u64,
    /// Messages received out of order or under a contradicting position, at most.
    pub disordered: u64,
    /// Error frames, closes and transport errors together, at most; absent: not judged.
    pub errors: Option<u64>,
    /// Reconnections, at most; absent: not judged.
    pub reconnects: Option<u64>,
    /// Deliveries per second, at least; absent: not judged.
    pub delivered_per_second: Option<f64>,
    /// KiB of server memory per idle connection, at most; absent: not judged.
    pub idle_kib_per_connection: Option<f64>,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type; the text names it.
    #[error("{0}")]
    Malformed(String),
    /// The values do not fit together.
    #[error("{key}: {reason}")]
    Contradiction {
        /// The key at fault.
        key: &'static str,
        /// Why it cannot be.
        reason: String,
    },
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: "unnamed".into(),
            kind: Kind::Chat,
            dialect: Language::Rooms,
            peer: false,
            client_ids: true,
            targets: vec!["127.0.0.1:8080".into()],
            users: 10,
            rooms: 1,
            rooms_per_user: 1,
            senders: 0,
            rate: 10.0,
            duration: Duration::from_secs(10),
            warmup: Duration::ZERO,
            settle: Duration::from_secs(30),
            persistence: Duration::from_secs(60),
            ramp: Duration::from_secs(30),
            connect_rate: 500.0,
            text_bytes: 100,
            room_prefix: "swarm".into(),
            source_addresses: 0,
            repeat_after: Duration::from_secs(5),
            catch_up_spacing: Duration::from_millis(60),
            silence: Duration::from_secs(60),
            pids: BTreeMap::new(),
            thresholds: Thresholds::default(),
        }
    }
}

impl Scenario {
    /// Reads a file and lays `overrides` (`key=value`, dotted keys allowed) over it.
    pub fn from_file(path: &Path, overrides: &[String]) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::Unreadable { path: path.display().to_string(), source })?;
        Self::from_toml(&text, overrides)
    }

    /// Reads TOML text and lays `overrides` over it; the result is valid.
    pub fn from_toml(text: &str, overrides: &[String]) -> Result<Self, ScenarioError> {
        let malformed = |error: toml::de::Error| ScenarioError::Malformed(error.to_string());
        let scenario: Self = if overrides.is_empty() {
            toml::from_str(text).map_err(malformed)?
        } else {
            let mut table: toml::Table = toml::from_str(text).map_err(malformed)?;
            for entry in overrides {
                lay_over(&mut table, entry)?;
            }
            table.try_into().map_err(malformed)?
        };
        scenario.validate()?;
        Ok(scenario)
    }

    /// Whether the values fit together; the first mistake is named.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        let wrong = |key, reason: &str| Err(ScenarioError::Contradiction { key, reason: reason.into() });
        let prefix_is_plain =
            self.room_prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        match self {
            s if s.users == 0 => wrong("users", "at least one user is needed"),
            s if s.rooms == 0 => wrong("rooms", "at least one room is needed"),
            s if s.rooms_per_user == 0 || s.rooms_per_user > s.rooms => {
                wrong("rooms_per_user", "must lie between 1 and `rooms`")
            }
            s if s.rooms_per_user > 1 && !Dialect::joins_several(s.dialect) => {
                wrong("rooms_per_user", "clients of this dialect are in one room at a time")
            }
            s if s.peer && s.dialect == Language::Rooms => {
                wrong("peer", "only in the `socketio` dialect can messages be told without positions")
            }
            s if s.senders > s.users => wrong("senders", "cannot exceed `users`"),
            s if !(s.rate.is_finite() && s.rate > 0.0) => wrong("rate", "must be above zero"),
            s if !(s.connect_rate.is_finite() && s.connect_rate > 0.0) => {
                wrong("connect_rate", "must be above zero")
            }
            s if s.text_bytes > 8192 => wrong("text_bytes", "at most 8192"),
            s if s.room_prefix.is_empty() || s.room_prefix.len() > 64 || !prefix_is_plain => {
                wrong("room_prefix", "1 to 64 of a-z, 0-9 and `-`")
            }
            s if s.kind == Kind::Idle && s.duration.is_zero() => {
                wrong("duration", "an idle scenario needs a duration to measure over")
            }
            s => s.validate_targets(),
        }
    }

    fn validate_targets(&self) -> Result<(), ScenarioError> {
        if self.targets.is_empty() {
            return Err(ScenarioError::Contradiction { key: "targets", reason: "at least one".into() });
        }
        self.addresses().map(drop)
    }

    /// The targets as `host:port`.
    pub(crate) fn addresses(&self) -> Result<Vec<String>, ScenarioError> {
        let address = |target: &String| {
            crate::wire::connection::host_and_port(target)
                .map_err(|reason| ScenarioError::Contradiction { key: "targets", reason })
        };
        self.targets.iter().map(address).collect()
    }

    /// How many users send.
    pub(crate) fn sender_count(&self) -> usize {
        if self.senders == 0 { self.users } else { self.senders }
    }

    /// The rooms of one user: neighbours on the ring of rooms, so that every room has the same number of members.
    pub(crate) fn rooms_of(&self, user: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.rooms_per_user).map(move |step| (user + step) % self.rooms)
    }
}

/// Lays one `a.b=value` over a table; a value that is not TOML is taken as a string.
fn lay_over(table: &mut toml::Table, entry: &str) -> Result<(), ScenarioError> {
    let malformed = |reason: &str| ScenarioError::Malformed(format!("`{entry}`: {reason}"));
    let (key, text) = entry.split_once('=').ok_or_else(|| malformed("expected key=value"))?;
    let value = toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.into()));
    let mut steps: Vec<&str> = key.trim().split('.').collect();
    let last = steps.pop().ok_or_else(|| malformed("the key is empty"))?;
    let mut place = table;
    for step in steps {
        let inner = place.entry(step).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = inner.as_table_mut().ok_or_else(|| malformed("the key runs through a plain value"))?;
    }
    place.insert(last.into(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scenario_is_read() {
        let text = "name = \"x\"\nusers = 20\nrooms = 4\nrate = 50\nduration = \"3s\"\n[pids]\ngateway = [1, 2]\n\
                    [thresholds]\np99 = \"50ms\"\nerrors = 0";
        let scenario = Scenario::from_toml(text, &[]).unwrap();
        assert_eq!((scenario.users, scenario.rooms), (20, 4));
        assert_eq!(scenario.duration, Duration::from_secs(3));
        assert_eq!(scenario.thresholds.p99, Some(Duration::from_millis(50)));
        assert_eq!(scenario.thresholds.errors, Some(0));
        assert_eq!(scenario.thresholds.p50, None);
    }

    #[test]
    fn an_unknown_key_is_named() {
        for (text, key) in [("usrs = 3", "usrs"), ("[thresholds]\np98 = \"1s\"", "p98")] {
            let error = Scenario::from_toml(text, &[]).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_dialect_is_chosen_by_name_and_an_unknown_one_is_an_error() {
        assert_eq!(Scenario::from_toml("", &[]).unwrap().dialect, Language::Rooms);
        let overrides = ["dialect=socketio".into(), "peer=true".to_string()];
        let scenario = Scenario::from_toml("dialect = \"rooms\"", &overrides).unwrap();
        assert_eq!((scenario.dialect, scenario.peer), (Language::SocketIo, true));
        let error = Scenario::from_toml("dialect = \"mqtt\"", &[]).unwrap_err().to_string();
        assert!(error.contains("mqtt") && error.contains("socketio"), "{error}");
    }

    #[test]
    fn overrides_win_and_reach_into_tables() {
        let overrides =
            ["users=7".into(), "thresholds.p99=20ms".into(), "targets=[\"127.0.0.1:1\"]".to_string()];
        let scenario = Scenario::from_toml("users = 3", &overrides).unwrap();
        assert_eq!(scenario.users, 7);
        assert_eq!(scenario.thresholds.p99, Some(Duration::from_millis(20)));
        assert_eq!(scenario.targets, ["127.0.0.1:1"]);
    }

    #[test]
    fn an_override_of_an_unknown_key_is_refused() {
        let error = Scenario::from_toml("", &["colour=red".into()]).unwrap_err().to_string();
        assert!(error.contains("colour"), "{error}");
    }

    #[test]
    fn values_that_do_not_fit_are_refused_by_name() {
        let table = [
            ("users = 0", "users"),
            ("rooms = 2\nrooms_per_user = 3", "rooms_per_user"),
            ("rate = 0", "rate"),
            ("targets = []", "targets"),
            ("targets = [\"wss://x:1\"]", "targets"),
            ("room_prefix = \"A_b\"", "room_prefix"),
            ("senders = 11", "senders"),
            ("dialect = \"socketio\"\nrooms = 2\nrooms_per_user = 2", "rooms_per_user"),
            ("peer = true", "peer"),
        ];
        for (text, key) in table {
            let error = Scenario::from_toml(text, &[]).unwrap_err().to_string();
            assert!(error.starts_with(key), "{text}: {error}");
        }
    }

    #[test]
    fn every_room_gets_the_same_number_of_members() {
        let scenario = Scenario { users: 100, rooms: 50, rooms_per_user: 2, ..Scenario::default() };
        let mut members = [0; 50];
        (0..100).for_each(|user| scenario.rooms_of(user).for_each(|room| members[room] += 1));
        assert!(members.iter().all(|count| *count == 4));
    }
}
