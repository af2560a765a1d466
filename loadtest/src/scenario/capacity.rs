//! The keys of a capacity search: what is raised from run to run, until a threshold breaks. Owns the steps; running
//! them is somebody else's.

use serde::Deserialize;

use crate::scenario::error::{ScenarioError, demand};

/// What is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Raise {
    /// The users, and with them the rate, so that each of them says as much as before.
    Users,
    /// The rate alone.
    Rate,
}

/// A search for the most that the servers bear.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// What is raised.
    pub raise: Raise,
    /// Its first value.
    pub from: f64,
    /// Each value is this many times the one before.
    #[serde(default = "default_factor")]
    pub factor: f64,
    /// No value goes beyond.
    pub to: f64,
}

fn default_factor() -> f64 {
    1.5
}

impl Capacity {
    /// The values in turn; the last one is `to`.
    pub fn steps(&self) -> Vec<f64> {
        let rising = std::iter::successors(Some(self.from), |value| Some(value * self.factor));
        let below = rising.take_while(|value| *value < self.to);
        below.chain([self.to]).collect()
    }

    pub(crate) fn validate(&self) -> Result<(), ScenarioError> {
        demand(self.from.is_finite() && self.from >= 1.0, "capacity.from", "at least 1")?;
        demand(self.factor.is_finite() && self.factor > 1.0, "capacity.factor", "must be above 1")?;
        demand(self.to.is_finite() && self.to >= self.from, "capacity.to", "cannot be below `from`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(from: f64, factor: f64, to: f64) -> Capacity {
        Capacity { raise: Raise::Rate, from, factor, to }
    }

    #[test]
    fn steps_rise_by_the_factor_and_end_with_the_last_value() {
        assert_eq!(rate(100.0, 2.0, 1000.0).steps(), [100.0, 200.0, 400.0, 800.0, 1000.0]);
        assert_eq!(rate(100.0, 2.0, 100.0).steps(), [100.0]);
    }

    #[test]
    fn a_search_that_does_not_rise_is_refused_by_name() {
        let table = [
            (rate(0.0, 2.0, 10.0), "capacity.from"),
            (rate(1.0, 1.0, 10.0), "capacity.factor"),
            (rate(9.0, 2.0, 8.0), "capacity.to"),
        ];
        for (capacity, key) in table {
            assert!(capacity.validate().unwrap_err().to_string().starts_with(key));
        }
    }
}
