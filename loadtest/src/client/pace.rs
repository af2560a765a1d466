//! The open-model schedule: when each message of one sender *should* leave, whatever happened to the ones before it.

use std::sync::Arc;

use tokio::time::Instant;

use crate::client::tempo::Tempo;

/// One sender's share of its group's schedule: in each section messages `index`, `index + senders`, …
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    start: Instant,
    tempo: Arc<Tempo>,
    index: usize,
    section: usize,
    position: u64,
}

impl Schedule {
    /// The schedule of the sender at place `index` among its group's.
    pub(crate) fn new(start: Instant, tempo: Arc<Tempo>, index: usize) -> Self {
        let mut schedule = Self { start, tempo, index, section: 0, position: index as u64 };
        schedule.skip();
        schedule
    }

    /// When the next message is due; absent if there is none any more.
    pub(crate) fn due(&self) -> Option<Instant> {
        let due = self.tempo.sections.get(self.section)?.due(self.position)?;
        Some(self.start + due)
    }

    /// Takes the next message and says when it was due.
    pub(crate) fn take(&mut self) -> Option<Instant> {
        let due = self.due()?;
        self.position += self.tempo.sections[self.section].senders as u64;
        self.skip();
        Some(due)
    }

    /// Goes on to the section that has a next message for this sender.
    fn skip(&mut self) {
        while let Some(section) = self.tempo.sections.get(self.section) {
            if self.index < section.senders && section.due(self.position).is_some() {
                return;
            }
            self.section += 1;
            self.position = self.index as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{client::tempo::Section, scenario::phase::Sweep};

    fn section(start: f64, length: f64, rate: f64, senders: usize) -> Section {
        Section::new(start, length, Sweep { from: rate, to: rate }, senders)
    }

    fn all_due(sections: Vec<Section>, senders: usize, each: usize) -> Vec<Duration> {
        let (start, tempo) = (Instant::now(), Arc::new(Tempo::from_sections(sections)));
        let mut due = Vec::new();
        for index in 0..senders {
            let mut schedule = Schedule::new(start, Arc::clone(&tempo), index);
            due.extend(std::iter::from_fn(|| schedule.take()).take(each).map(|moment| moment - start));
        }
        due.sort();
        due
    }

    #[test]
    fn senders_share_the_rate_evenly_and_without_drift() {
        let due = all_due(vec![section(0.0, f64::INFINITY, 30.0, 3)], 3, 1000);
        for (k, moment) in due.iter().enumerate() {
            assert_eq!(*moment, Duration::from_secs_f64(k as f64 / 30.0));
        }
    }

    #[test]
    fn all_senders_together_send_what_the_tempo_calls_for() {
        let rising = Section::new(2.0, 3.0, Sweep { from: 0.0, to: 40.0 }, 2);
        let sections =
            vec![section(0.0, 1.0, 10.0, 0), section(1.0, 1.0, 7.0, 1), rising, section(5.0, 2.0, 9.0, 5)];
        let tempo = Tempo::from_sections(sections.clone());
        let due = all_due(sections, 6, 10_000);
        assert!(due.iter().all(|moment| *moment >= Duration::from_secs(1)));
        for tenth in 0..80 {
            let span = Duration::from_millis(tenth * 100);
            let counted = due.iter().filter(|moment| **moment < span).count() as u64;
            assert_eq!(tempo.due_before(span), counted, "{span:?}");
        }
    }
}
