//! Where a value came from, so that every message can name the place to correct.

use std::fmt;
use std::path::PathBuf;

/// The origin of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// A line of the configuration file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A file that a `…_FILE` variable names.
    VariableFile {
        /// The variable, with its `_FILE`.
        variable: String,
        /// The file it names.
        path: PathBuf,
    },
    /// A flag of the command line, such as `--listen`.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("built-in default"),
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Variable(name) => write!(formatter, "variable {name}"),
            Self::VariableFile { variable, path } => {
                write!(formatter, "variable {variable}, file {}", path.display())
            }
            Self::Flag(name) => write!(formatter, "flag {name}"),
        }
    }
}
