//! How the program ends when it does not end well, and with which code.
//!
//! 1: a failure · 2: the configuration or the command line · 69: a dependency is unavailable (`EX_UNAVAILABLE` of
//! BSD's `sysexits.h`), so that an orchestrator can tell "wait and retry" from "ask a human".

use std::fmt::Display;

use crate::config::Mistakes;

/// The reason for an unsuccessful end. Its text is for people and holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum Exit {
    /// Something went wrong while running.
    #[error("{0}")]
    Failure(String),
    /// The configuration has mistakes.
    #[error("{0}")]
    Configuration(#[from] Mistakes),
    /// The command cannot be carried out as it was given.
    #[error("{0}")]
    Usage(String),
    /// Something that the program depends on does not answer.
    #[error("{dependency} is unavailable, tried {address}: {reason}")]
    Unavailable {
        /// What does not answer, such as "Redis".
        dependency: &'static str,
        /// The address tried, without a password.
        address: String,
        /// What was heard instead.
        reason: String,
    },
}

impl Exit {
    /// A failure while `doing` something.
    pub fn failure(doing: impl Display, reason: impl Display) -> Self {
        Self::Failure(format!("{doing}: {reason}"))
    }

    /// A dependency that does not answer. `address` must not hold a password: pass
    /// [`ServiceUrl::address`](crate::config::ServiceUrl::address) or the masked `Display` of the URL.
    pub fn unavailable(dependency: &'static str, address: impl Display, reason: impl Display) -> Self {
        Self::Unavailable { dependency, address: address.to_string(), reason: reason.to_string() }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failure(_) => 1,
            Self::Configuration(_) | Self::Usage(_) => 2,
            Self::Unavailable { .. } => 69,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_code_and_names_what_matters() {
        for (exit, code, text) in [
            (Exit::failure("cannot listen", "in use"), 1, "cannot listen: in use"),
            (Exit::Usage("no".to_owned()), 2, "no"),
            (Exit::Configuration(Mistakes(Vec::new())), 2, "0 mistakes in the configuration"),
            (
                Exit::unavailable("Redis", "127.0.0.1:6379", "connection refused"),
                69,
                "Redis is unavailable, tried 127.0.0.1:6379: connection refused",
            ),
        ] {
            assert_eq!((exit.code(), exit.to_string().as_str()), (code, text));
        }
    }
}
