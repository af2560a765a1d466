//! Classes of users: who they are, what they speak, what they do. Owns the keys of `[[classes]]`.
//!
//! A class says only what sets it apart; everything else it takes from the keys beside `[[classes]]`. A scenario without
//! classes is one class.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    scenario::{
        behaviour::Behaviour,
        error::{ScenarioError, demand},
        range::Range,
        span,
    },
    wire::{dialect::Language, transport::Transport},
};

/// Users who are alike.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Class {
    /// Shown where the class is at fault.
    pub name: String,
    /// How many they are; instead of `share`.
    pub users: usize,
    /// Which part of the scenario's `users` they are, 0 to 1; instead of `users`.
    pub share: f64,
    /// What they speak, instead of the scenario's `dialect`.
    pub dialect: Option<Language>,
    /// What carries it, instead of the scenario's `transport`.
    pub transport: Option<Transport>,
    /// Rooms that each of them joins, instead of the scenario's.
    pub rooms_per_user: Option<usize>,
    /// How many of them send; 0 means all of them.
    pub senders: usize,
    /// Their part of the scenario's `rate`, beside those of the other classes; absent: as many as they are. 0: silent.
    pub rate_share: Option<f64>,
    /// What they do besides, instead of the scenario's `[behaviour]`.
    pub behaviour: Option<Behaviour>,
    /// How long they wait between two deeds, instead of the scenario's.
    pub think: Option<Range>,
    /// How long they stay away after a kill or a logout, instead of the scenario's.
    pub away: Option<Range>,
    /// How they read, instead of the scenario's.
    pub reading: Option<Reading>,
    /// Whether what they hear counts for the latencies; absent: yes. It is always judged.
    pub measured: Option<bool>,
}

/// How a client takes from its socket what the server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// Waits this long after each frame: a slow reader.
    #[serde(deserialize_with = "span::required")]
    pub pause: Duration,
    /// Takes nothing at all any more after this long on a connection …
    #[serde(deserialize_with = "span::optional")]
    pub stops_after: Option<Duration>,
    /// … for this long. What the server says meanwhile is read after it, as far as it still arrives.
    pub stops_for: Range,
}

impl Default for Reading {
    fn default() -> Self {
        Self { pause: Duration::ZERO, stops_after: None, stops_for: Range::fixed(Duration::ZERO) }
    }
}

impl Reading {
    /// As fast as it comes.
    pub(crate) fn is_prompt(&self) -> bool {
        self.pause.is_zero() && self.stops_after.is_none()
    }

    pub(crate) fn validate(&self) -> Result<(), ScenarioError> {
        let is_fine = self.stops_after.is_none() || !self.stops_for.most.is_zero();
        demand(is_fine, "reading.stops_for", "must be above zero where `stops_after` is set")
    }
}

/// How many users each class has, in the order of the classes; `total` is divided among classes that have a share.
pub(crate) fn sizes(classes: &[Class], total: usize) -> Result<Vec<usize>, ScenarioError> {
    let named = |class: &Class, reason: &str| format!("class `{}`: {reason}", class.name);
    for class in classes {
        let (counted, shared) = (class.users > 0, class.share > 0.0);
        demand(class.share.is_finite() && class.share >= 0.0, "classes.share", named(class, "0 to 1"))?;
        demand(counted != shared, "classes.users", named(class, "needs `users` or `share`, and not both"))?;
        let alike = shared == (classes[0].share > 0.0);
        demand(alike, "classes.share", named(class, "either all classes have a share or none has"))?;
    }
    if classes.iter().all(|class| class.users > 0) {
        return Ok(classes.iter().map(|class| class.users).collect());
    }
    let whole: f64 = classes.iter().map(|class| class.share).sum();
    let reason = format!("all shares together are {whole}, not 1");
    demand((whole - 1.0).abs() < 1e-6, "classes.share", reason)?;
    let sizes = divide(classes.iter().map(|class| class.share), total);
    match classes.iter().zip(&sizes).find(|(_, size)| **size == 0) {
        Some((class, _)) => {
            demand(false, "classes.share", named(class, "too small a share of `users`")).map(|()| sizes)
        }
        None => Ok(sizes),
    }
}

/// Divides a number by parts that add up to 1, so that the whole is kept.
fn divide(parts: impl Iterator<Item = f64>, total: usize) -> Vec<usize> {
    let (mut reached, mut given) = (0.0, 0);
    let cut = parts.map(|part| {
        reached += part;
        let upto = (reached * total as f64).round() as usize;
        let size = upto - given;
        given = upto;
        size
    });
    cut.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(share: f64) -> Class {
        Class { name: "some".into(), share, ..Class::default() }
    }

    fn count(users: usize) -> Class {
        Class { name: "some".into(), users, ..Class::default() }
    }

    #[test]
    fn shares_divide_the_users_without_a_rest() {
        assert_eq!(sizes(&[share(0.5), share(0.3), share(0.2)], 7).unwrap(), [4, 2, 1]);
        assert_eq!(sizes(&[count(3), count(4)], 100).unwrap(), [3, 4]);
    }

    #[test]
    fn what_cannot_be_divided_is_refused_by_name() {
        let table: [(&[Class], &str); 6] = [
            (&[share(0.5), share(0.4)], "classes.share"),
            (&[share(0.5), count(4)], "classes.share"),
            (&[count(4), share(0.5)], "classes.share"),
            (&[Class::default()], "classes.users"),
            (&[Class { users: 1, share: 1.0, ..Class::default() }], "classes.users"),
            (&[share(0.999_999), share(0.000_001)], "classes.share"),
        ];
        for (classes, key) in table {
            let error = sizes(classes, 10).unwrap_err().to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
