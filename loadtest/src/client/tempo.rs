//! How fast a group's messages are due, stretch by stretch: the arithmetic of the open model.
//!
//! Pure. Invariant: message k is due where the integral of the rate reaches k, from the first section to the last;
//! moments are computed from k, never summed up, so there is no drift. Where nobody is there to send, nothing is due.

use std::time::Duration;

use crate::scenario::{
    group::Group,
    phase::Sweep,
    plan::{Plan, Stretch},
};

/// A ramp of users is cut into so many sections; who comes within one begins to send with the next.
const STEPS: u32 = 20;
/// An integral is as good as whole if so little is missing.
const WHOLE: f64 = 1e-9;

/// A piece in which the same users send, one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Section {
    /// Seconds since sending began.
    pub(crate) start: f64,
    /// Seconds; infinite where nothing ends it.
    pub(crate) length: f64,
    /// Messages per second of all senders together.
    pub(crate) rate: Sweep,
    pub(crate) senders: usize,
    /// How much of the first message's turn lies in this section: the rest was in the ones before.
    lead: f64,
    /// Messages that are due in it.
    count: u64,
}

/// All sections of one group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tempo {
    pub(crate) sections: Vec<Section>,
}

impl Tempo {
    pub(crate) fn new(plan: &Plan, group: &Group) -> Self {
        Self::from_sections(plan.stretches.iter().flat_map(|stretch| sections(stretch, group)))
    }

    /// Puts sections behind each other, so that the messages of one go on where the last one ended.
    pub(crate) fn from_sections(sections: impl IntoIterator<Item = Section>) -> Self {
        let mut reached = 0.0;
        let next = |section: Section| {
            let begin = f64::ceil(reached - WHOLE);
            let lead = (begin - reached).max(0.0);
            reached += section.integral();
            let count = f64::ceil(reached - WHOLE) - begin;
            Section { lead, count: count as u64, ..section }
        };
        Self { sections: sections.into_iter().map(next).collect() }
    }

    /// How many messages are due before `span` has passed.
    pub(crate) fn due_before(&self, span: Duration) -> u64 {
        self.sections.iter().map(|section| section.due_before(span)).sum()
    }
}

fn sections(stretch: &Stretch, group: &Group) -> Vec<Section> {
    let Stretch { start, length, users, rate } = *stretch;
    let steps = if users.from == users.to { 1 } else { STEPS };
    let at = |sweep: Sweep, part: f64| sweep.from + (sweep.to - sweep.from) * part;
    let section = |step: u32| {
        let (from, to) = (f64::from(step) / f64::from(steps), f64::from(step + 1) / f64::from(steps));
        // When users go, those must send who stay until the end of the section.
        let there = at(users, from).min(at(users, to));
        let pace = |part: f64| at(rate, part) * group.rate_part;
        // A stretch without an end is one section, and keeps its length.
        let (offset, length) = if steps == 1 { (0.0, length) } else { (length * from, length * (to - from)) };
        let rate = Sweep { from: pace(from), to: pace(to) };
        Section::new(start + offset, length, rate, group.senders_of(there))
    };
    (0..steps).map(section).collect()
}

impl Section {
    /// By itself: `Tempo::from_sections` says how its messages go on from the ones before.
    pub(crate) fn new(start: f64, length: f64, rate: Sweep, senders: usize) -> Self {
        Self { start, length, rate, senders, lead: 0.0, count: 0 }
    }

    /// Messages, whole and broken. Infinite only where the section is.
    fn integral(&self) -> f64 {
        let mean = f64::midpoint(self.rate.from, self.rate.to);
        if self.senders == 0 || mean <= 0.0 { 0.0 } else { mean * self.length }
    }

    /// When its message `k` is due, since sending began; absent if it has none of that number.
    pub(crate) fn due(&self, k: u64) -> Option<Duration> {
        let Sweep { from, to } = self.rate;
        let reached = k as f64 + self.lead;
        let seconds = if from == to {
            reached / from
        } else if reached == 0.0 {
            0.0
        } else {
            let slope = (to - from) / self.length;
            // At the very end of a falling rate the root may be a hair below zero.
            2.0 * reached / (from + (from * from + 2.0 * slope * reached).max(0.0).sqrt())
        };
        (k < self.count).then(|| Duration::from_secs_f64(self.start + seconds.min(self.length)))
    }

    fn due_before(&self, span: Duration) -> u64 {
        let passed = (span.as_secs_f64() - self.start).clamp(0.0, self.length);
        if passed == 0.0 {
            return 0;
        }
        let Sweep { from, to } = self.rate;
        let slope = if self.length.is_finite() { (to - from) / self.length } else { 0.0 };
        let guess = (from * passed + slope * passed * passed / 2.0) as u64;
        // The float may be off by one in either direction; ask the section itself.
        let (first, last) = (guess.saturating_sub(2).min(self.count), (guess + 3).min(self.count));
        let is_due = |k: &u64| self.due(*k).is_some_and(|due| due < span);
        (first..last).take_while(is_due).last().map_or(first, |k| k + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::Scenario;

    fn tempo(text: &str) -> Tempo {
        let scenario = Scenario::from_toml(text, &[]).unwrap();
        Tempo::new(&scenario.plan(), &scenario.groups().unwrap()[0])
    }

    fn one(length: f64, rate: Sweep) -> Section {
        Tempo::from_sections([Section::new(0.0, length, rate, 3)]).sections[0]
    }

    #[test]
    fn an_even_load_is_one_section() {
        let tempo = tempo("users = 4\nrate = 20\nduration = \"0s\"");
        assert_eq!(tempo.sections.len(), 1);
        assert_eq!(tempo.sections[0].due(40), Some(Duration::from_secs(2)));
        assert_eq!((tempo.sections[0].senders, tempo.sections[0].length), (4, f64::INFINITY));
    }

    #[test]
    fn a_rising_rate_has_as_many_messages_as_its_integral() {
        let tempo = tempo(
            "users = 4\nrate = 1\n[[phases]]\nkind = \"ramp\"\nduration = \"10s\"\nrate = { from = 10, to = 30 }",
        );
        assert_eq!(tempo.due_before(Duration::from_secs(10)), 200);
        let halfway = tempo.due_before(Duration::from_secs(5));
        assert!((74..=76).contains(&halfway), "{halfway}");
        assert_eq!(tempo.due_before(Duration::from_secs(99)), 200);
    }

    #[test]
    fn sections_go_on_where_the_one_before_ended() {
        let section = |start: f64| Section::new(start, 0.5, Sweep { from: 3.0, to: 3.0 }, 1);
        let whole = one(5.0, Sweep { from: 3.0, to: 3.0 });
        let parts = Tempo::from_sections((0..10).map(|step| section(f64::from(step) * 0.5)));
        let due = parts.sections.iter().flat_map(|part| (0..).map_while(|k| part.due(k)));
        for (k, moment) in due.enumerate() {
            let wanted = whole.due(k as u64).unwrap();
            assert!(moment.abs_diff(wanted) < Duration::from_micros(1), "{k}: {moment:?} {wanted:?}");
        }
        assert_eq!(parts.due_before(Duration::from_secs(9)), 15);
    }

    #[test]
    fn a_rate_from_and_to_zero_neither_begins_nor_ends_with_an_endless_wait() {
        for (from, to) in [(0.0, 20.0), (20.0, 0.0)] {
            let section = one(10.0, Sweep { from, to });
            let due: Vec<Duration> = (0..200).filter_map(|k| section.due(k)).collect();
            assert_eq!(due.len(), 100, "{from} to {to}");
            assert!(due.is_sorted() && due.iter().all(|due| *due <= Duration::from_secs(10)));
            assert_eq!(section.due_before(Duration::from_secs(11)), due.len() as u64);
        }
        let silent = one(9.0, Sweep { from: 0.0, to: 0.0 });
        assert_eq!((silent.due(0), silent.due_before(Duration::from_secs(5))), (None, 0));
    }

    #[test]
    fn while_users_come_only_those_send_who_are_there() {
        let text = "users = 40\nrate = 100\n\
                    [[phases]]\nkind = \"ramp\"\nduration = \"10s\"\nusers = { from = 0, to = 40 }\n\
                    [[phases]]\nkind = \"steady\"\nduration = \"10s\"\n\
                    [[phases]]\nkind = \"ramp\"\nduration = \"10s\"\nusers = { from = 40, to = 20 }";
        let sections = tempo(text).sections;
        assert_eq!((sections[0].senders, sections[1].senders, sections[19].senders), (0, 2, 38));
        assert_eq!((sections[20].senders, sections[21].senders, sections[40].senders), (40, 39, 20));
        assert_eq!(sections[0].due(0), None, "nobody is there to send");
    }

    #[test]
    fn the_number_of_due_messages_agrees_with_the_moments() {
        for (rate, milliseconds) in
            [(30.0, 1000), (7.3, 12_345), (500.0, 0), (1000.0, 1), (25.0, 39), (25.0, 41)]
        {
            let span = Duration::from_millis(milliseconds);
            let section = one(f64::INFINITY, Sweep { from: rate, to: rate });
            let counted = (0..).take_while(|k| section.due(*k).unwrap() < span).count() as u64;
            assert_eq!(section.due_before(span), counted, "{rate}/s for {milliseconds} ms");
        }
    }
}
