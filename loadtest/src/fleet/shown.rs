//! What the person who waits sees of all workers together. Owns the latest counts of each; latencies are known at the end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::{
    fleet::orders::Word,
    measure::{record::Second, tally::Counters},
    report::glimpse::Glimpse,
};

#[derive(Clone)]
pub(super) struct Shown(Arc<Mutex<State>>);

struct State {
    scenario: String,
    users: usize,
    began: Instant,
    stage: &'static str,
    parts: Vec<Part>,
    /// What the last glimpse showed, and when: rates are the difference.
    before: (Instant, Counters),
}

#[derive(Clone, Default)]
struct Part {
    counters: Counters,
    errors: u64,
    connections: u64,
}

impl Shown {
    pub(super) fn new(scenario: &str, users: usize, parts: usize) -> Self {
        let began = Instant::now();
        let parts = vec![Part::default(); parts];
        let before = (began, Counters::default());
        let state = State { scenario: scenario.to_owned(), users, began, stage: "joining", parts, before };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn enter(&self, stage: &'static str) {
        self.lock().stage = stage;
    }

    /// Takes counts; other words show nothing.
    pub(super) fn note(&self, part: usize, word: Word) {
        match word {
            Word::Counted { counters, errors, connections } => {
                self.lock().parts[part] = Part { counters: *counters, errors, connections };
            }
            Word::Joined | Word::Done { .. } | Word::Failed { .. } => {}
        }
    }

    pub(super) fn glimpse(&self) -> Glimpse {
        let mut state = self.lock();
        let sum = |counters: Counters, part: &Part| counters.plus(&part.counters);
        let counters = state.parts.iter().fold(Counters::default(), sum);
        let (then, before) = std::mem::replace(&mut state.before, (Instant::now(), counters.clone()));
        let lately = Second {
            span: then.elapsed().as_secs_f64(),
            delivered: counters.delivered.saturating_sub(before.delivered),
            sent: counters.sent.saturating_sub(before.sent),
            acknowledged: counters.acknowledged.saturating_sub(before.acknowledged),
            ..Second::default()
        };
        Glimpse {
            scenario: state.scenario.clone(),
            stage: state.stage,
            elapsed: state.began.elapsed().as_secs_f64(),
            users: state.users,
            connections: state.parts.iter().map(|part| part.connections).sum(),
            errors: state.parts.iter().map(|part| part.errors).sum(),
            lately: vec![lately],
            counters,
            mark: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
