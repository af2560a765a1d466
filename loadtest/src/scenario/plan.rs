//! The phases, worked out: who is there when, how fast messages are due, when storms and faults begin.
//!
//! Pure arithmetic over seconds since sending began. Invariant: stretches follow each other without a gap; only the last
//! one may have no end.

use std::time::Duration;

use crate::scenario::{load::Scenario, phase::Phase, phase::Sweep};

/// A piece of the run in which users and rate change evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) start: f64,
    /// Infinite where nothing ends it.
    pub(crate) length: f64,
    /// The part of all users who are there, 0 to 1.
    pub(crate) users: Sweep,
    /// Messages per second of all users together.
    pub(crate) rate: Sweep,
}

/// A storm's cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    pub(crate) at: Duration,
    pub(crate) share: f64,
    pub(crate) away: Duration,
}

/// A command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) at: Duration,
    pub(crate) fault: String,
    pub(crate) deadline: Duration,
}

/// A span in which a user is there; without an end where nobody sends them away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) from: Duration,
    pub(crate) until: Option<Duration>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) cuts: Vec<Cut>,
    pub(crate) faults: Vec<Planned>,
    /// When each phase begins, and its name.
    pub(crate) beginnings: Vec<(Duration, String)>,
    /// Absent: until somebody says that it is enough.
    pub(crate) length: Option<Duration>,
}

impl Plan {
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let whole = |value| Sweep { from: value, to: value };
        let (mut users, mut rate) = (whole(1.0), whole(scenario.rate));
        if scenario.phases.is_empty() {
            let length = (!scenario.duration.is_zero()).then(|| scenario.warmup + scenario.duration);
            let end = length.map_or(f64::INFINITY, |length: Duration| length.as_secs_f64());
            let stretch = Stretch { start: 0.0, length: end, users, rate };
            return Self { stretches: vec![stretch], length, ..Self::default() };
        }
        let mut plan = Self::default();
        let mut start = Duration::ZERO;
        for phase in &scenario.phases {
            if let Phase::Ramp { users: heads, rate: pace, .. } = phase {
                let all = scenario.users as f64;
                users = heads.map_or(users, |heads| Sweep { from: heads.from / all, to: heads.to / all });
                rate = pace.unwrap_or(rate);
            }
            let length = phase.duration();
            let (begin, span) = (start.as_secs_f64(), length.as_secs_f64());
            plan.stretches.push(Stretch { start: begin, length: span, users, rate });
            plan.beginnings.push((start, phase.label()));
            plan.take_events(phase, start);
            (users, rate) = (whole(users.to), whole(rate.to));
            start += length;
        }
        plan.length = Some(start);
        plan
    }

    fn take_events(&mut self, phase: &Phase, start: Duration) {
        match phase {
            Phase::Storm { duration, share, away, every } => {
                let step = every.unwrap_or(*duration);
                let moments = std::iter::successors(Some(Duration::ZERO), |moment| Some(*moment + step));
                let inside = moments.take_while(|moment| moment < duration);
                self.cuts.extend(inside.map(|moment| Cut { at: start + moment, share: *share, away: *away }));
            }
            Phase::Fault { fault, deadline, .. } => {
                self.faults.push(Planned { at: start, fault: fault.clone(), deadline: *deadline });
            }
            Phase::Ramp { .. } | Phase::Steady { .. } => {}
        }
    }

    /// When the user at this place among `of` users is there. Those at the front come first and go last.
    pub(crate) fn stays(&self, place: usize, of: usize) -> Vec<Stay> {
        let threshold = (place as f64 + 0.5) / of as f64;
        let mut stays: Vec<Stay> = Vec::new();
        let mut there = false;
        for stretch in &self.stretches {
            let Sweep { from, to } = stretch.users;
            let moment = |part: f64| Duration::from_secs_f64(stretch.start + part);
            if there != (from >= threshold) {
                there = !there;
                turn(&mut stays, moment(0.0));
            }
            if there != (to >= threshold) {
                there = !there;
                turn(&mut stays, moment(stretch.length * (threshold - from) / (to - from)));
            }
        }
        stays
    }
}

/// Comes, if they were away, or goes.
fn turn(stays: &mut Vec<Stay>, moment: Duration) {
    match stays.last_mut() {
        Some(stay) if stay.until.is_none() => stay.until = Some(moment),
        Some(_) | None => stays.push(Stay { from: moment, until: None }),
    }
}

/// Whether a storm of this share takes a user; the users it takes lie evenly among all others.
pub(crate) fn is_struck(user: usize, share: f64) -> bool {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let scattered = (user as u64).wrapping_mul(GOLDEN) >> 11;
    (scattered as f64 / (1_u64 << 53) as f64) < share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn plan(phases: &str) -> Plan {
        Plan::of(&Scenario::from_toml(&format!("users = 10\nrate = 5\n{phases}"), &[]).unwrap())
    }

    #[test]
    fn without_phases_the_load_is_even_and_lasts_as_long_as_the_scenario_says() {
        let scenario = Scenario { warmup: seconds(2.0), duration: seconds(8.0), ..Scenario::default() };
        let plan = Plan::of(&scenario);
        assert_eq!(plan.length, Some(seconds(10.0)));
        assert_eq!(plan.stays(9, 10), [Stay { from: Duration::ZERO, until: None }]);
        assert_eq!(Plan::of(&Scenario { duration: Duration::ZERO, ..scenario }).length, None);
    }

    #[test]
    fn users_come_and_go_one_after_the_other() {
        let plan = plan(
            "[[phases]]\nkind = \"ramp\"\nduration = \"10s\"\nusers = { from = 0, to = 10 }\n\
             [[phases]]\nkind = \"steady\"\nduration = \"5s\"\n\
             [[phases]]\nkind = \"ramp\"\nduration = \"10s\"\nusers = { from = 10, to = 5 }",
        );
        assert_eq!(plan.length, Some(seconds(25.0)));
        assert_eq!(plan.stays(0, 10), [Stay { from: seconds(0.5), until: None }]);
        assert_eq!(plan.stays(9, 10), [Stay { from: seconds(9.5), until: Some(seconds(16.0)) }]);
        assert_eq!(plan.stays(5, 10), [Stay { from: seconds(5.5), until: Some(seconds(24.0)) }]);
        assert_eq!(plan.stays(4, 10), [Stay { from: seconds(4.5), until: None }]);
    }

    #[test]
    fn a_rate_that_rose_stays_there() {
        let plan = plan(
            "[[phases]]\nkind = \"ramp\"\nduration = \"10s\"\nrate = { from = 5, to = 50 }\n\
             [[phases]]\nkind = \"steady\"\nduration = \"5s\"",
        );
        assert_eq!(plan.stretches[0].rate, Sweep { from: 5.0, to: 50.0 });
        assert_eq!(plan.stretches[1].rate, Sweep { from: 50.0, to: 50.0 });
        assert_eq!(plan.stretches[1].start, 10.0);
    }

    #[test]
    fn storms_repeat_until_their_phase_ends_and_faults_keep_their_moment() {
        let plan = plan(
            "[[phases]]\nkind = \"storm\"\nduration = \"30s\"\nevery = \"15s\"\naway = \"2s\"\nshare = 0.5\n\
             [[phases]]\nkind = \"fault\"\nduration = \"5s\"\nfault = \"kill\"",
        );
        let cut = |at| Cut { at: seconds(at), share: 0.5, away: seconds(2.0) };
        assert_eq!(plan.cuts, [cut(0.0), cut(15.0)]);
        assert_eq!((plan.faults[0].at, plan.faults[0].fault.as_str()), (seconds(30.0), "kill"));
    }

    #[test]
    fn a_storm_takes_its_share_and_takes_it_evenly() {
        for share in [0.1, 0.5, 0.9] {
            let struck = (0..1_000).filter(|user| is_struck(*user, share)).count() as f64;
            assert!((struck - share * 1_000.0).abs() < 15.0, "{share}: {struck}");
        }
        assert!((0..1_000).all(|user| is_struck(user, 1.0)));
    }
}
