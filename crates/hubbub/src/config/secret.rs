//! `Secret`: text that no log, error or listing may show.
//!
//! It owns the masking and nothing else. Invariant: `Debug` and `Display` print `***`; the text comes out only
//! through [`Secret::expose`], so a reader can search for every use.

use std::fmt;

/// What stands for a secret wherever it would be shown.
pub(crate) const MASK: &str = "***";

/// A secret text, shown as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text that must not be shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who signs, seals or logs in with it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all, which means "not configured".
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_the_text() {
        let secret = Secret::new("correct horse battery staple");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "*** *** Some(***)");
        assert_eq!(secret.expose(), "correct horse battery staple");
    }
}
