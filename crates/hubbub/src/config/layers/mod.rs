//! The layers above the built-in defaults: file, environment, flags.
//!
//! Each layer turns what it finds into [`Assignment`]s, in order, and adds what it cannot understand to the list of
//! mistakes. No layer judges a value: that is done once, for all of them, in `effective`.

pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod flags;

use super::mistake::{Mistake, Problem};
use super::setting::Setting;
use super::source::Source;
use super::value::Raw;

/// One value given to one setting somewhere.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) struct Assignment {
    /// The key of the setting.
    pub(crate) key: &'static str,
    /// The value as written.
    pub(crate) raw: Raw,
    /// Where it stands.
    pub(crate) source: Source,
}

/// What the layers said: later assignments win.
#[derive(Default)]
pub(crate) struct Layers {
    /// Lowest layer first.
    pub(crate) assignments: Vec<Assignment>,
    /// What no layer could make sense of.
    pub(crate) mistakes: Vec<Mistake>,
}

impl Layers {
    fn assign(&mut self, setting: &'static Setting, raw: Raw, source: Source) {
        self.assignments.push(Assignment { key: setting.key, raw, source });
    }

    fn mistake(&mut self, source: Source, problem: Problem) {
        self.mistakes.push(Mistake { source: Some(source), problem });
    }
}
