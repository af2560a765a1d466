//! What can be wrong with a configuration, and how it is told.
//!
//! Invariant: a mistake names the key, the value (masked where it may be secret) and the source, and mistakes are
//! collected, never returned one by one.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use super::source::Source;

/// Why a value does not fit: what was expected instead. Never holds the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit(Cow<'static, str>);

impl Unfit {
    /// A complaint, worded to follow "expects ".
    pub fn expects(words: impl Into<Cow<'static, str>>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "expects {}", self.0)
    }
}

impl std::error::Error for Unfit {}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it was made; `None` where several sources together make it.
    pub source: Option<Source>,
    /// What it is.
    pub problem: Problem,
}

/// The ways in which a configuration can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// No setting has this name.
    UnknownKey {
        /// The key or variable as written.
        written: String,
        /// The nearest name that exists, in the same notation.
        suggestion: Option<String>,
    },
    /// A section was given a value.
    NotASection {
        /// The section.
        name: String,
    },
    /// A value that its setting does not take.
    Value {
        /// The setting.
        key: &'static str,
        /// The value, masked where needed.
        shown: String,
        /// What was expected.
        unfit: Unfit,
    },
    /// A variable and its `_FILE` twin are both set.
    Twice {
        /// The variable without `_FILE`.
        variable: String,
    },
    /// A file could not be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file is not TOML.
    Syntax {
        /// The parser's reason.
        reason: String,
    },
    /// A `--set` that is not `key=value`.
    NotAnAssignment,
    /// Settings that contradict each other or cannot be used by this command.
    Refused {
        /// Whose settings these are.
        keys: &'static [&'static str],
        /// What is wrong, in one sentence.
        says: String,
    },
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.problem)?;
        match &self.source {
            Some(source) => write!(formatter, " ({source})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { written, suggestion: Some(name) } => {
                write!(formatter, "unknown setting `{written}`, did you mean `{name}`?")
            }
            Self::UnknownKey { written, suggestion: None } => {
                write!(formatter, "unknown setting `{written}`")
            }
            Self::NotASection { name } => {
                write!(formatter, "`{name}` is a section and takes keys, not a value")
            }
            Self::Value { key, shown, unfit } => write!(formatter, "`{key}` = {shown}: {unfit}"),
            Self::Twice { variable } => {
                write!(formatter, "`{variable}` and `{variable}_FILE` are both set: which one counts?")
            }
            Self::Unreadable { path, reason } => {
                write!(formatter, "cannot read {}: {reason}", path.display())
            }
            Self::Syntax { reason } => write!(formatter, "not valid TOML: {reason}"),
            Self::NotAnAssignment => formatter.write_str("expects `key=value`"),
            Self::Refused { keys, says } => {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                write!(formatter, "{}: {says}", keys.join(", "))
            }
        }
    }
}

/// All mistakes of one configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        write!(formatter, "{count} {noun} in the configuration")?;
        for mistake in &self.0 {
            write!(formatter, "\n  - {mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
