//! What a user does besides saying something, each with a weight: a thing of weight 3 is done three times as often as
//! one of weight 1, and one of weight 0 never.
//!
//! Owns the weights and the draw. Saying something is not among them: messages leave on a schedule of their own, which
//! waits for nobody.

use rand::Rng;
use serde::Deserialize;

use crate::scenario::error::{ScenarioError, wrong};

/// One thing that a user does between two waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// Leaves a room and opens it again, with a page of its history.
    Open,
    /// Reads a page further back in the history.
    Scroll,
    /// Has read up to the newest message.
    Read,
    /// Begins or stops typing.
    Typing,
    /// Reacts to a message.
    React,
    /// Changes a message of their own.
    Edit,
    /// Withdraws a message of their own.
    Delete,
    /// Drops the connection without a word, and resumes.
    Kill,
    /// Leaves the rooms, closes properly, stays away, comes back.
    Logout,
    /// Books a seat at an event.
    Book,
}

impl Deed {
    pub(crate) const ALL: [Self; 10] = [
        Self::Open,
        Self::Scroll,
        Self::Read,
        Self::Typing,
        Self::React,
        Self::Edit,
        Self::Delete,
        Self::Kill,
        Self::Logout,
        Self::Book,
    ];

    /// As scenarios and reports call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Scroll => "scroll",
            Self::Read => "read",
            Self::Typing => "typing",
            Self::React => "react",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Kill => "kill",
            Self::Logout => "logout",
            Self::Book => "book",
        }
    }

    /// Whether it takes a number in the order of the room.
    pub(crate) fn is_numbered(self) -> bool {
        match self {
            Self::React | Self::Edit | Self::Delete => true,
            Self::Open
            | Self::Scroll
            | Self::Read
            | Self::Typing
            | Self::Kill
            | Self::Logout
            | Self::Book => false,
        }
    }
}

/// The weights of all deeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // `Deed` says what each is
pub struct Behaviour {
    pub open: f64,
    pub scroll: f64,
    pub read: f64,
    pub typing: f64,
    pub react: f64,
    pub edit: f64,
    pub delete: f64,
    pub kill: f64,
    pub logout: f64,
    pub book: f64,
}

impl Behaviour {
    pub(crate) fn weight(&self, deed: Deed) -> f64 {
        match deed {
            Deed::Open => self.open,
            Deed::Scroll => self.scroll,
            Deed::Read => self.read,
            Deed::Typing => self.typing,
            Deed::React => self.react,
            Deed::Edit => self.edit,
            Deed::Delete => self.delete,
            Deed::Kill => self.kill,
            Deed::Logout => self.logout,
            Deed::Book => self.book,
        }
    }

    fn total(&self) -> f64 {
        Deed::ALL.iter().map(|deed| self.weight(*deed)).sum()
    }

    /// Nothing is ever done.
    pub(crate) fn is_empty(&self) -> bool {
        self.total() <= 0.0
    }

    /// One deed, by its weight; absent if there is none.
    pub(crate) fn draw(&self) -> Option<Deed> {
        if self.is_empty() {
            return None;
        }
        let mut left = rand::rng().random_range(0.0..self.total());
        let possible = || Deed::ALL.into_iter().filter(|deed| self.weight(*deed) > 0.0);
        let drawn = possible().find(|deed| {
            left -= self.weight(*deed);
            left < 0.0
        });
        drawn.or_else(|| possible().next_back())
    }

    pub(crate) fn validate(&self) -> Result<(), ScenarioError> {
        let fine = |weight: f64| weight.is_finite() && weight >= 0.0;
        match Deed::ALL.into_iter().find(|deed| !fine(self.weight(*deed))) {
            Some(deed) => wrong("behaviour", format!("the weight of `{}` must be 0 or more", deed.name())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_are_drawn_by_their_weight() {
        let behaviour = Behaviour { read: 3.0, typing: 1.0, ..Behaviour::default() };
        let drawn: Vec<Deed> = (0..4_000).filter_map(|_| behaviour.draw()).collect();
        let reads = drawn.iter().filter(|deed| **deed == Deed::Read).count();
        assert_eq!(drawn.len(), 4_000);
        assert!((2_800..3_200).contains(&reads), "{reads}");
        assert!(drawn.iter().all(|deed| matches!(deed, Deed::Read | Deed::Typing)));
    }

    #[test]
    fn without_weights_nothing_is_done() {
        assert_eq!(Behaviour::default().draw(), None);
    }

    #[test]
    fn a_negative_weight_is_refused_by_name() {
        let error = Behaviour { react: -1.0, ..Behaviour::default() }.validate().unwrap_err().to_string();
        assert!(error.starts_with("behaviour") && error.contains("react"), "{error}");
    }
}
