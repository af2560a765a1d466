//! A span of time that is drawn anew each time: `"2s"` or `"1s..5s"`. Owns parsing and drawing.

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, Deserializer, de::Error};

use crate::scenario::span;

/// From the shortest to the longest wait; both the same for a fixed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The shortest.
    pub least: Duration,
    /// The longest.
    pub most: Duration,
}

impl Range {
    /// Always the same.
    pub const fn fixed(span: Duration) -> Self {
        Self { least: span, most: span }
    }

    /// One wait.
    pub(crate) fn draw(&self) -> Duration {
        let width = self.most.saturating_sub(self.least);
        self.least + width.mul_f64(rand::rng().random_range(0.0..=1.0))
    }
}

impl std::str::FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        let range = Self { least: span::parse(least)?, most: span::parse(most)? };
        if range.least > range.most {
            return Err(format!("`{text}` ends before it begins"));
        }
        Ok(range)
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_span_is_fixed_and_two_are_a_range() {
        let seconds = Duration::from_secs;
        assert_eq!("2s".parse(), Ok(Range::fixed(seconds(2))));
        assert_eq!("1s..5s".parse(), Ok(Range { least: seconds(1), most: seconds(5) }));
        for wrong in ["5s..1s", "..", "1s..", "1..5s", ""] {
            assert!(wrong.parse::<Range>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_drawn_lies_between_the_ends() {
        let range: Range = "10ms..20ms".parse().unwrap();
        let drawn = (0..200).map(|_| range.draw().as_millis());
        assert!(drawn.into_iter().all(|millis| (10..=20).contains(&millis)));
        assert_eq!(Range::fixed(Duration::from_secs(1)).draw(), Duration::from_secs(1));
    }
}
