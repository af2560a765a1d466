//! A scenario: who connects, how much they say, and what counts as good enough.
//!
//! Owns the settings and their validation; unknown keys are errors that name the key. Does not own secrets, process
//! ids or file names of one machine: those are `Options`.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Deserialize;

use crate::{
    run::options::OneOrMany,
    scenario::{
        behaviour::Behaviour,
        capacity::Capacity,
        class::{self, Class, Reading},
        error::wrong,
        feed::Feed,
        overrides::lay_over,
        phase::Phase,
        plan::Plan,
        range::Range,
        span,
        thresholds::Thresholds,
    },
    wire::{dialect::Language, transport::Transport},
};

pub use crate::scenario::error::ScenarioError;

/// What the clients do once they are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They send at a paced rate and judge what they hear.
    #[default]
    Chat,
    /// They join and stay silent: memory and idle CPU of the server are measured.
    Idle,
    /// They watch events and book seats.
    Feed,
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
    /// What carries it: only Socket.IO has a choice.
    pub transport: Transport,
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
    /// What everybody does besides saying something, unless their class says otherwise.
    pub behaviour: Behaviour,
    /// How long everybody waits between two deeds, unless their class says otherwise.
    pub think: Range,
    /// How long everybody stays away after a kill or a logout, unless their class says otherwise.
    pub away: Range,
    /// How everybody reads, unless their class says otherwise.
    pub reading: Reading,
    /// Classes of users; without any all users are alike.
    pub classes: Vec<Class>,
    /// What changes while the run goes on; without any it is one steady load of `warmup` and `duration`. With phases,
    /// `warmup` lies inside the first ones.
    pub phases: Vec<Phase>,
    /// Events, seats and their bookers, in a scenario of kind `feed` and for whoever books.
    pub feed: Feed,
    /// What a capacity search raises.
    pub capacity: Option<Capacity>,
    /// The number of the first user (`u0`, …): where several processes share a run, each has users of its own.
    pub first_user: usize,
    /// The number of the first room.
    pub first_room: usize,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: "unnamed".into(),
            kind: Kind::Chat,
            dialect: Language::Rooms,
            transport: Transport::WebSocket,
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
            behaviour: Behaviour::default(),
            think: Range { least: Duration::from_secs(1), most: Duration::from_secs(5) },
            away: Range::fixed(Duration::ZERO),
            reading: Reading::default(),
            classes: Vec::new(),
            phases: Vec::new(),
            feed: Feed::default(),
            capacity: None,
            first_user: 0,
            first_room: 0,
        }
    }
}

impl Scenario {
    /// Reads a file and lays `overrides` (`key=value`, dotted keys allowed) over it.
    pub fn from_file(path: &Path, overrides: &[String]) -> Result<Self, ScenarioError> {
        Self::from_toml(&Self::read(path)?, overrides)
    }

    /// The text of a file, for whoever hands it on.
    pub fn read(path: &Path) -> Result<String, ScenarioError> {
        std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::Unreadable { path: path.display().to_string(), source })
    }

    /// Reads TOML text and lays `overrides` over it; the result is valid.
    pub fn from_toml(text: &str, overrides: &[String]) -> Result<Self, ScenarioError> {
        let malformed = |error: toml::de::Error| ScenarioError::Malformed(error.to_string());
        let mut table: toml::Table = toml::from_str(text).map_err(malformed)?;
        for entry in overrides {
            lay_over(&mut table, entry)?;
        }
        let says_users = table.contains_key("users");
        // Without overrides the text itself is read once more: its errors name the line.
        let read = if overrides.is_empty() { toml::from_str(text) } else { table.try_into() };
        let scenario: Self = read.map_err(malformed)?;
        if says_users && scenario.classes.iter().any(|class| class.users > 0) {
            return wrong("users", "the classes say how many they are; `share` divides a total");
        }
        scenario.complete()
    }

    /// The same scenario with the number of users that its classes add up to, if it is valid.
    pub fn complete(mut self) -> Result<Self, ScenarioError> {
        if !self.classes.is_empty() {
            self.users = class::sizes(&self.classes, self.users)?.iter().sum();
        }
        self.validate()?;
        Ok(self)
    }

    /// The targets as `host:port`.
    pub(crate) fn addresses(&self) -> Result<Vec<String>, ScenarioError> {
        let address = |target: &String| {
            crate::wire::connection::host_and_port(target)
                .map_err(|reason| ScenarioError::Contradiction { key: "targets", reason })
        };
        self.targets.iter().map(address).collect()
    }

    /// What its phases come to.
    pub(crate) fn plan(&self) -> Plan {
        Plan::of(self)
    }
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
    fn classes_with_counts_say_how_many_users_there_are() {
        let text = "[[classes]]\nname = \"a\"\nusers = 30\n[[classes]]\nname = \"b\"\nusers = 4";
        assert_eq!(Scenario::from_toml(text, &[]).unwrap().users, 34);
        for (text, key) in [("[[classes]]\ncolour = 1", "colour"), ("[behaviour]\nsleep = 1", "sleep")] {
            let error = Scenario::from_toml(text, &[]).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
