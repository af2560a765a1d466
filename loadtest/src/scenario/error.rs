//! Why a scenario cannot be used; every error names the key at fault.

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type; the text names it.
    #[error("{0}")]
    Malformed(String),
    /// The values do not fit together.
    #[error("{key}: {reason}")]
    Contradiction {
        /// The key at fault.
        key: &'static str,
        /// Why it cannot be.
        reason: String,
    },
}

/// The values do not fit together.
pub(crate) fn wrong<T>(key: &'static str, reason: impl Into<String>) -> Result<T, ScenarioError> {
    Err(ScenarioError::Contradiction { key, reason: reason.into() })
}

/// Complains unless it is so.
pub(crate) fn demand(is_so: bool, key: &'static str, reason: impl Into<String>) -> Result<(), ScenarioError> {
    if is_so { Ok(()) } else { wrong(key, reason) }
}
