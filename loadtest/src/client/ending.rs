//! How a connection ends, and what follows from it. Pure.

use std::time::Duration;

use crate::run::herd::Struck;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The run is over; the client hangs up.
    Done,
    /// There was none.
    Unreached,
    /// The server closed with this code.
    Closed(u16),
    /// The transport failed.
    Broken,
    /// Nothing was heard for too long.
    Silent,
    /// A join was not answered in time.
    Unanswered,
    /// The server did not let the client in, or parted from it for good.
    Unwanted,
    /// The client dropped it without a word, because a storm struck or by its own habit.
    Cut { away: Duration, struck: Option<Struck> },
    /// The client left its rooms and hangs up, to come back later.
    LoggedOut { away: Duration },
    /// As logged out; the plan says when, or whether, it comes back.
    Departed,
}

impl Ending {
    /// The error that it is; absent where it was the client's own will, or is counted already.
    pub(crate) fn code(self) -> Option<String> {
        match self {
            Self::Closed(code) => Some(format!("close {code}")),
            Self::Broken => Some("transport".into()),
            Self::Silent => Some("silence".into()),
            Self::Unanswered => Some("join timeout".into()),
            Self::Unwanted => Some("unwanted".into()),
            Self::Done | Self::Unreached | Self::Cut { .. } | Self::LoggedOut { .. } | Self::Departed => None,
        }
    }

    /// Whether a connection was lost.
    pub(crate) fn is_loss(self) -> bool {
        match self {
            Self::Closed(_)
            | Self::Broken
            | Self::Silent
            | Self::Unanswered
            | Self::Unwanted
            | Self::Cut { .. } => true,
            Self::Done | Self::Unreached | Self::LoggedOut { .. } | Self::Departed => false,
        }
    }

    /// Whether the client says goodbye.
    pub(crate) fn is_polite(self) -> bool {
        match self {
            Self::Done | Self::LoggedOut { .. } | Self::Departed => true,
            Self::Unreached
            | Self::Closed(_)
            | Self::Broken
            | Self::Silent
            | Self::Unanswered
            | Self::Unwanted
            | Self::Cut { .. } => false,
        }
    }

    /// The bands of the wire: below 2000 and 4000 to 4499 come back, all other codes stay away.
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Closed(code) => !matches!(code, 1000..=1999 | 4000..=4499),
            Self::Unwanted => true,
            Self::Done
            | Self::Unreached
            | Self::Broken
            | Self::Silent
            | Self::Unanswered
            | Self::Cut { .. }
            | Self::LoggedOut { .. }
            | Self::Departed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_codes_that_ask_for_it_keep_a_client_away() {
        for (code, away) in
            [(1000, false), (1012, false), (4001, false), (4499, false), (4500, true), (3000, true)]
        {
            assert_eq!(Ending::Closed(code).is_terminal(), away, "{code}");
        }
    }

    #[test]
    fn what_a_client_does_itself_is_no_error() {
        let away = Duration::ZERO;
        let own =
            [Ending::Done, Ending::Cut { away, struck: None }, Ending::LoggedOut { away }, Ending::Departed];
        assert!(own.iter().all(|ending| ending.code().is_none() && !ending.is_terminal()));
        assert!(own[1].is_loss() && !own[1].is_polite(), "a cut is a loss without a goodbye");
        assert!(own[2].is_polite() && !own[2].is_loss());
    }
}
