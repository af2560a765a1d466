//! One limit, the value it was held against, and whether it held.
//!
//! Owns the shape and its words; which limits there are is `verdict.rs`.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// A limit and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// What was measured (`p99`, `lost`, …).
    pub name: String,
    /// On which side of the limit the value has to be.
    pub bound: Bound,
    /// The limit.
    pub limit: f64,
    /// The value; absent if nothing was measured, which does not pass.
    pub value: Option<f64>,
    /// Of both.
    pub unit: Unit,
    /// Whether it held.
    pub passed: bool,
}

/// Which side of a limit is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The value may not be above.
    AtMost,
    /// The value may not be below.
    AtLeast,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// Things per second.
    PerSecond,
    /// Deliveries per second of server CPU.
    PerCpuSecond,
    /// Microseconds of server CPU.
    CpuMicros,
    /// Kibibytes.
    Kib,
    /// Busy cores.
    Cores,
}

impl Judged {
    pub(crate) fn new(name: &str, bound: Bound, limit: f64, value: Option<f64>, unit: Unit) -> Self {
        let passed = value.is_some_and(|value| match bound {
            Bound::AtMost => value <= limit,
            Bound::AtLeast => value >= limit,
        });
        Self { name: name.into(), bound, limit, value, unit, passed }
    }

    /// The limit in words: `≤ 50.0 ms`.
    pub(crate) fn limit_text(&self) -> String {
        let sign = match self.bound {
            Bound::AtMost => "≤",
            Bound::AtLeast => "≥",
        };
        format!("{sign} {}", self.unit.text(self.limit))
    }

    /// The value in words.
    pub(crate) fn value_text(&self) -> String {
        self.value.map_or_else(|| "nothing was measured".into(), |value| self.unit.text(value))
    }
}

impl Display for Judged {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let wanted = match self.bound {
            Bound::AtMost => "at most",
            Bound::AtLeast => "at least",
        };
        write!(to, "{}: {}, {wanted} {}", self.name, self.value_text(), self.unit.text(self.limit))
    }
}

impl Unit {
    /// A figure with its unit.
    pub(crate) fn text(self, value: f64) -> String {
        format!("{}{}", self.bare(value), self.suffix())
    }

    /// A figure without its unit.
    pub(crate) fn bare(self, value: f64) -> String {
        match self {
            Self::Count => thousands(value),
            Self::Millis
            | Self::Seconds
            | Self::PerSecond
            | Self::PerCpuSecond
            | Self::CpuMicros
            | Self::Kib
            | Self::Cores => figure(value),
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Millis => " ms",
            Self::Seconds => " s",
            Self::PerSecond => "/s",
            Self::PerCpuSecond => " per CPU s",
            Self::CpuMicros => " µs CPU",
            Self::Kib => " KiB",
            Self::Cores => " cores",
        }
    }
}

/// Three significant digits are what such figures are worth.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        small if small < 0.0005 => "0".into(),
        small if small < 0.1 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        middling if middling < 100.0 => format!("{value:.1}"),
        _ => thousands(value),
    }
}

/// A whole number with its thousands apart.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_on_its_own_side_and_never_without_a_value() {
        let judged = |bound, value| Judged::new("p99", bound, 5.0, value, Unit::Millis).passed;
        assert_eq!(
            [Some(5.0), Some(5.1), None].map(|value| judged(Bound::AtMost, value)),
            [true, false, false]
        );
        assert_eq!(
            [Some(5.0), Some(4.9), None].map(|value| judged(Bound::AtLeast, value)),
            [true, false, false]
        );
    }

    #[test]
    fn figures_have_three_digits_and_their_thousands_apart() {
        let table = [
            (0.0, "0"),
            (0.0123, "0.012"),
            (1.234, "1.23"),
            (56.78, "56.8"),
            (123.4, "123"),
            (-1_234_567.0, "-1,234,567"),
        ];
        for (value, text) in table {
            assert_eq!(figure(value), text);
        }
        let judged = Judged::new("p99", Bound::AtMost, 50.0, Some(61.25), Unit::Millis);
        assert_eq!(judged.to_string(), "p99: 61.2 ms, at most 50.0 ms");
    }
}
