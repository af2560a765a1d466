//! The capacity search: whole runs at rising load, until a threshold breaks or the generator is at its own limit.
//!
//! Owns what a step means and the answer's shape. Where the next step lies is `climb.rs`. Invariant: what the generator
//! could not do is never told as something that the servers could not do.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::{
    fleet::{climb::Climb, parent::FleetError},
    report::result::Report,
    run::course::SwarmError,
    scenario::{
        capacity::Raise,
        load::{Scenario, ScenarioError},
    },
};

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct Ceiling {
    /// The scenario's name.
    pub scenario: String,
    /// `users` or `rate`.
    pub raised: &'static str,
    /// What ended the search.
    pub limit: Limit,
    /// The highest step that held.
    pub last_good: Option<Step>,
    /// The lowest step that did not.
    pub first_bad: Option<Step>,
    /// All steps in the order in which they were run.
    pub steps: Vec<Step>,
}

/// What ended a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// A promise or a threshold broke.
    Servers,
    /// The generator itself was at its limit: the servers may bear more.
    Generator,
    /// Everything held up to the highest value that was asked for.
    None,
}

/// One run of a search.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// What was raised, at this step.
    pub value: f64,
    /// Connections.
    pub users: usize,
    /// Messages per second of all of them.
    pub rate: f64,
    /// Every promise and threshold was kept, by a generator that was not at its limit.
    pub held: bool,
    /// The generator was at its limit.
    pub saturated: bool,
    /// Why it did not hold.
    pub reasons: Vec<String>,
    /// Median latency, in milliseconds.
    pub p50: f64,
    /// 99th percentile, in milliseconds.
    pub p99: f64,
    /// Deliveries per second.
    pub delivered_per_second: f64,
    /// Where processes were named.
    pub deliveries_per_cpu_second: Option<f64>,
    /// Cores that the generator kept busy.
    pub generator_cores: f64,
}

/// Searches with `run`, which runs the scenario with these overrides laid over it, here or in several processes. A step
/// in which not everyone could join did not hold; any other failure ends the search.
pub async fn search<R>(scenario: &Scenario, mut run: R) -> Result<Ceiling, FleetError>
where
    R: AsyncFnMut(Vec<String>) -> Result<Report, FleetError>,
{
    let reason = "a search needs a table that says what is raised, `from` where `to` where".into();
    let asked = scenario.capacity.ok_or(ScenarioError::Contradiction { key: "capacity", reason })?;
    let mut climb = Climb::new(asked.steps(), asked.raise == Raise::Users);
    let mut steps = Vec::new();
    while let Some(value) = climb.next() {
        let load = Load::at(scenario, asked.raise, value);
        let step = match run(load.overrides()).await {
            Ok(report) => load.judge(&report),
            Err(FleetError::Run(error @ SwarmError::NotJoined { .. })) => load.broken(error.to_string()),
            Err(error @ FleetError::NotJoined { .. }) => load.broken(error.to_string()),
            Err(error) => return Err(error),
        };
        climb.tell(value, step.held);
        steps.push(step);
    }
    Ok(answer(scenario, asked.raise, steps))
}

fn answer(scenario: &Scenario, raise: Raise, steps: Vec<Step>) -> Ceiling {
    let by_value = |one: &&Step, other: &&Step| one.value.total_cmp(&other.value);
    let last_good = steps.iter().filter(|step| step.held).max_by(by_value).cloned();
    let first_bad = steps.iter().filter(|step| !step.held).min_by(by_value).cloned();
    let limit = match &first_bad {
        Some(step) if step.saturated => Limit::Generator,
        Some(_) => Limit::Servers,
        None => Limit::None,
    };
    let raised = match raise {
        Raise::Users => "users",
        Raise::Rate => "rate",
    };
    Ceiling { scenario: scenario.name.clone(), raised, limit, last_good, first_bad, steps }
}

/// The load of one step.
struct Load {
    value: f64,
    users: usize,
    rate: f64,
    raise: Raise,
}

impl Load {
    fn at(scenario: &Scenario, raise: Raise, value: f64) -> Self {
        match raise {
            Raise::Rate => Self { value, users: scenario.users, rate: value, raise },
            Raise::Users => {
                let rate = scenario.rate * value / scenario.users as f64;
                Self { value, users: value as usize, rate, raise }
            }
        }
    }

    fn overrides(&self) -> Vec<String> {
        let rate = format!("rate={:.3}", self.rate);
        match self.raise {
            Raise::Rate => vec![rate],
            Raise::Users => vec![format!("users={}", self.users), rate],
        }
    }

    fn judge(&self, report: &Report) -> Step {
        Step {
            held: report.failures.is_empty() && report.trustworthy,
            saturated: !report.trustworthy,
            reasons: report.failures.iter().chain(&report.reasons).cloned().collect(),
            p50: report.latency.p50,
            p99: report.latency.p99,
            delivered_per_second: report.delivered_per_second,
            deliveries_per_cpu_second: report.servers.as_ref().map(|cost| cost.deliveries_per_cpu_second),
            generator_cores: report.generator_cores,
            ..self.broken(String::new())
        }
    }

    fn broken(&self, reason: String) -> Step {
        Step {
            value: self.value,
            users: self.users,
            rate: self.rate,
            held: false,
            saturated: false,
            reasons: vec![reason],
            p50: 0.0,
            p99: 0.0,
            delivered_per_second: 0.0,
            deliveries_per_cpu_second: None,
            generator_cores: 0.0,
        }
    }
}

impl Display for Ceiling {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let value =
            |step: &Option<Step>| step.as_ref().map_or("none".into(), |step| format!("{:.0}", step.value));
        let (good, bad) = (value(&self.last_good), value(&self.first_bad));
        let said = match self.limit {
            Limit::Servers => format!("{good} held, {bad} did not"),
            Limit::Generator => {
                format!("{good} held; at {bad} the generator was at its limit, the servers may bear more")
            }
            Limit::None => format!("{good} held, and no more was asked for"),
        };
        writeln!(to, "CAPACITY {}, {}: {said}", self.scenario, self.raised)?;
        writeln!(
            to,
            "  {:>10} {:>8} {:>10} {:>9} {:>9} {:>12} {:>13} {:>10}",
            self.raised, "users", "rate/s", "p50 ms", "p99 ms", "delivered/s", "per CPU s", "generator"
        )?;
        self.steps.iter().try_for_each(|step| write!(to, "{step}"))
    }
}

impl Display for Step {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let cost = self.deliveries_per_cpu_second.map_or("-".into(), |cost| format!("{cost:.0}"));
        writeln!(
            to,
            "  {:>10.0} {:>8} {:>10.1} {:>9.2} {:>9.2} {:>12.0} {cost:>13} {:>10.2}  {}",
            self.value,
            self.users,
            self.rate,
            self.p50,
            self.p99,
            self.delivered_per_second,
            self.generator_cores,
            if self.held { "held".into() } else { self.reasons.join("; ") }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario() -> Scenario {
        let table = "users = 10\nrate = 20\n[capacity]\nraise = \"users\"\nfrom = 10\nfactor = 2\nto = 80";
        Scenario::from_toml(table, &[]).unwrap()
    }

    /// A search with a generator that can do so much, against servers that bear so much.
    async fn found(generator: usize, servers: usize) -> Result<Ceiling, FleetError> {
        let run = async |overrides: Vec<String>| {
            let users: usize = overrides[0].strip_prefix("users=").unwrap().parse().unwrap();
            if users > servers {
                let (name, reason) = ("worker 1 of 2".into(), "9 of 10 users joined in time".into());
                return Err(FleetError::NotJoined { name, reason });
            }
            Ok(Report { trustworthy: users <= generator, ..Report::default() })
        };
        search(&scenario(), run).await
    }

    #[tokio::test]
    async fn what_the_generator_could_not_do_is_not_told_as_the_servers_limit() {
        let ceiling = found(30, 1000).await.unwrap();
        assert_eq!((ceiling.limit, ceiling.last_good.as_ref().unwrap().users), (Limit::Generator, 30));
        assert!(ceiling.to_string().contains("the servers may bear more"), "{ceiling}");
    }

    #[tokio::test]
    async fn clients_that_are_not_let_in_are_the_servers_limit() {
        let ceiling = found(1000, 30).await.unwrap();
        assert_eq!((ceiling.limit, ceiling.first_bad.as_ref().unwrap().users), (Limit::Servers, 31));
        assert!(ceiling.to_string().contains("9 of 10 users joined in time"), "{ceiling}");
    }

    #[tokio::test]
    async fn a_worker_that_dies_ends_the_search() {
        let run = async |_: Vec<String>| {
            Err(FleetError::Worker { name: "worker 1 of 2".into(), reason: "ended".into() })
        };
        assert!(matches!(search(&scenario(), run).await, Err(FleetError::Worker { .. })));
    }
}
