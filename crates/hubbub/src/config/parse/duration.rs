//! `25s`, `15ms`, `24h`, `1h30m`: whole numbers with units, largest unit first.

use std::time::Duration;

use crate::config::mistake::Unfit;

/// Units in milliseconds, largest first, which is also the order they must be written in.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A length of time. A bare number is refused, since nobody can see whether it means seconds; `0` needs no unit.
pub(crate) fn parse(text: &str) -> Result<Duration, Unfit> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    milliseconds(text)
        .map(Duration::from_millis)
        .ok_or_else(|| Unfit::expects("a duration such as \"25s\", \"15ms\", \"24h\" or \"1h30m\""))
}

fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// The same notation back, exact to the millisecond.
pub(crate) fn show(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut shown = String::new();
    for (unit, factor) in UNITS {
        // "24h" reads better than "1d", and nobody has ever written "1d" for a token's lifetime.
        if unit == "d" && left < 7 * factor {
            continue;
        }
        if left >= factor {
            shown.push_str(&format!("{}{unit}", left / factor));
            left %= factor;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, expected) in [
            ("25s", Some(25_000)),
            ("15ms", Some(15)),
            ("24h", Some(86_400_000)),
            ("1h30m", Some(5_400_000)),
            ("1d2h3m4s5ms", Some(93_784_005)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("007s", Some(7_000)),
            ("", None),
            ("25", None),
            ("s", None),
            ("25 s", None),
            ("1.5s", None),
            ("-1s", None),
            ("30m1h", None),
            ("1s1s", None),
            ("1S", None),
            ("1w", None),
            ("1h30", None),
            ("18446744073709551615h", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_duration_is_shown_as_it_would_be_written() {
        for text in ["25s", "15ms", "24h", "1h30m", "10d", "1h1m1s1ms", "0s", "5m"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }
}
