//! Durations as people write them: `"250ms"`, `"10s"`, `"5m"`. Owns parsing only.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

/// Parses `"50us"`, `"250ms"`, `"10s"`, `"5m"` or `"1h"`; the error says what was expected.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds_per_unit = match unit.trim() {
        "us" => 0.000_001,
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{text}` is not a duration such as \"250ms\", \"10s\" or \"5m\"")),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{text}` does not begin with a number"))?;
    Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|_| format!("`{text}` is too long"))
}

/// serde: a duration field.
pub(crate) fn required<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// serde: a duration field that may be absent.
pub(crate) fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    required(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        let table = [("50us", 50), ("250ms", 250_000), ("1.5s", 1_500_000), ("5m", 300_000_000), ("0s", 0)];
        for (text, microseconds) in table {
            assert_eq!(parse(text), Ok(Duration::from_micros(microseconds)), "{text}");
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in ["10", "", "s", "ten s", "10 parsecs", "1.2.3s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
