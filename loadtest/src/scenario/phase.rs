//! The phases of a run, one after the other: what changes while the load goes on. Owns the keys of `[[phases]]`.
//!
//! What a phase does not mention stays as the phase before it left it. Without phases a run is one steady load.

use std::time::Duration;

use serde::Deserialize;

use crate::scenario::{
    error::{ScenarioError, demand},
    span,
};

/// From one value to another, evenly over the phase.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// At the beginning.
    pub from: f64,
    /// At the end.
    pub to: f64,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Phase {
    /// Users come (or go), the rate rises (or falls).
    Ramp {
        /// How long it takes.
        #[serde(deserialize_with = "span::required")]
        duration: Duration,
        /// Users who are there, of all classes in proportion.
        #[serde(default)]
        users: Option<Sweep>,
        /// Messages per second.
        #[serde(default)]
        rate: Option<Sweep>,
    },
    /// Nothing changes.
    Steady {
        /// How long it lasts.
        #[serde(deserialize_with = "span::required")]
        duration: Duration,
    },
    /// Users are cut off at once, without a goodbye, and come back.
    Storm {
        /// How long until the next phase.
        #[serde(deserialize_with = "span::required")]
        duration: Duration,
        /// Which part of all users, 0 to 1.
        #[serde(default = "everyone")]
        share: f64,
        /// How long they stay away.
        #[serde(default, deserialize_with = "span::required")]
        away: Duration,
        /// Again and again after this long; absent: once, at the beginning.
        #[serde(default, deserialize_with = "span::optional")]
        every: Option<Duration>,
    },
    /// Something is done to the servers, by a command that the caller gives with `--fault NAME=COMMAND`.
    Fault {
        /// How long until the next phase, whether the command has ended or not.
        #[serde(deserialize_with = "span::required")]
        duration: Duration,
        /// Which command.
        fault: String,
        /// The command is killed if it takes longer.
        #[serde(default = "patience", deserialize_with = "span::required")]
        deadline: Duration,
    },
}

fn everyone() -> f64 {
    1.0
}

fn patience() -> Duration {
    Duration::from_secs(60)
}

impl Phase {
    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        match self {
            Self::Ramp { duration, .. }
            | Self::Steady { duration }
            | Self::Storm { duration, .. }
            | Self::Fault { duration, .. } => *duration,
        }
    }

    /// As reports call it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Ramp { .. } => "ramp".into(),
            Self::Steady { .. } => "steady".into(),
            Self::Storm { .. } => "storm".into(),
            Self::Fault { fault, .. } => format!("fault {fault}"),
        }
    }

    pub(crate) fn validate(&self, all_users: usize) -> Result<(), ScenarioError> {
        demand(!self.duration().is_zero(), "phases.duration", format!("a {} needs one", self.label()))?;
        match self {
            Self::Ramp { users, rate, .. } => {
                demand(users.is_some() || rate.is_some(), "phases.users", "a ramp needs `users` or `rate`")?;
                let most = all_users as f64;
                let inside =
                    |sweep: Sweep| [sweep.from, sweep.to].iter().all(|end| (0.0..=most).contains(end));
                let reason = format!("must lie between 0 and all {all_users} users");
                demand(users.is_none_or(inside), "phases.users", reason)?;
                let fine = |end: f64| end.is_finite() && end >= 0.0;
                let risen = |sweep: Sweep| fine(sweep.from) && fine(sweep.to);
                demand(rate.is_none_or(risen), "phases.rate", "cannot be below zero")
            }
            Self::Steady { .. } => Ok(()),
            Self::Storm { share, every, .. } => {
                demand(*share > 0.0 && *share <= 1.0, "phases.share", "must be above 0 and at most 1")?;
                let paced = every.is_none_or(|every| !every.is_zero());
                demand(paced, "phases.every", "must be above zero")
            }
            Self::Fault { fault, deadline, .. } => {
                demand(!fault.is_empty(), "phases.fault", "must name a command")?;
                demand(!deadline.is_zero(), "phases.deadline", "must be above zero")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Phases {
        phases: Vec<Phase>,
    }

    fn read(text: &str) -> Result<Phase, String> {
        let mut read: Phases =
            toml::from_str(&format!("[[phases]]\n{text}")).map_err(|error| error.to_string())?;
        Ok(read.phases.remove(0))
    }

    #[test]
    fn each_kind_is_read_with_what_it_may_leave_out() {
        let ramp = read("kind = \"ramp\"\nduration = \"5s\"\nusers = { from = 1, to = 10 }").unwrap();
        assert_eq!((ramp.duration(), ramp.label().as_str()), (Duration::from_secs(5), "ramp"));
        let storm = read("kind = \"storm\"\nduration = \"5s\"").unwrap();
        assert!(matches!(storm, Phase::Storm { share: 1.0, away: Duration::ZERO, every: None, .. }));
        let fault = read("kind = \"fault\"\nfault = \"kill\"\nduration = \"5s\"").unwrap();
        assert!(matches!(fault, Phase::Fault { deadline, .. } if deadline == Duration::from_secs(60)));
    }

    #[test]
    fn unknown_keys_and_kinds_are_named() {
        for (text, key) in [
            ("kind = \"steady\"\nduration = \"5s\"\ncolour = 1", "colour"),
            ("kind = \"storm\"\nduration = \"5s\"\nuser = 1", "user"),
            ("kind = \"flood\"\nduration = \"5s\"", "flood"),
            ("kind = \"steady\"", "duration"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused_by_name() {
        for (text, key) in [
            ("kind = \"steady\"\nduration = \"0s\"", "phases.duration"),
            ("kind = \"ramp\"\nduration = \"1s\"", "phases.users"),
            ("kind = \"ramp\"\nduration = \"1s\"\nusers = { from = 0, to = 11 }", "phases.users"),
            ("kind = \"ramp\"\nduration = \"1s\"\nrate = { from = -1, to = 1 }", "phases.rate"),
            ("kind = \"storm\"\nduration = \"1s\"\nshare = 0", "phases.share"),
            ("kind = \"storm\"\nduration = \"1s\"\nevery = \"0s\"", "phases.every"),
            ("kind = \"fault\"\nduration = \"1s\"\nfault = \"\"", "phases.fault"),
            ("kind = \"fault\"\nduration = \"1s\"\nfault = \"x\"\ndeadline = \"0s\"", "phases.deadline"),
        ] {
            let error = read(text).unwrap().validate(10).unwrap_err().to_string();
            assert!(error.starts_with(key), "{text}: {error}");
        }
    }
}
