//! `64KiB`, `1MiB`, `10MB`, or plain bytes.

use crate::config::mistake::Unfit;

const UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
];

/// A number of bytes. Units are read without regard to case.
pub(crate) fn parse(text: &str) -> Result<u64, Unfit> {
    bytes(text).ok_or_else(|| Unfit::expects("a size such as \"64KiB\", \"1MiB\", \"10MB\" or plain bytes"))
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The same notation back, in the largest binary unit that is exact.
pub(crate) fn show(bytes: u64) -> String {
    for (unit, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_with_or_without_a_unit() {
        for (text, expected) in [
            ("64KiB", Some(65_536)),
            ("1MiB", Some(1_048_576)),
            ("2GiB", Some(2_147_483_648)),
            ("10MB", Some(10_000_000)),
            ("10 mb", Some(10_000_000)),
            ("3kB", Some(3_000)),
            ("512B", Some(512)),
            ("4096", Some(4_096)),
            ("0", Some(0)),
            ("", None),
            ("KiB", None),
            ("1.5MiB", None),
            ("-1", None),
            ("64K", None),
            ("64  KiB", None),
            ("64KiB ", None),
            ("99999999999999GiB", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_size_is_shown_as_it_would_be_written() {
        for text in ["64KiB", "1MiB", "2GiB", "1000B", "0B"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }
}
