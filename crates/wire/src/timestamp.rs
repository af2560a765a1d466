//! Times as every dialect and the HTTP API write them: RFC 3339, UTC, milliseconds.
//!
//! Always 24 characters, so that times compare as text. What the format cannot hold is cut to its first or
//! last moment: a nonsensical clock on another node must not become a panic here.

use domain::words::Timestamp;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

/// 0000-01-01T00:00:00.000Z, in milliseconds.
const FIRST: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z, in milliseconds.
const LAST: i64 = 253_402_300_799_999;

/// The time as text: `2026-11-20T18:59:03.007Z`.
pub fn rfc3339(at: Timestamp) -> String {
    Moment::of(at).as_str().to_owned()
}

/// A time as text, without an allocation.
struct Moment([u8; 24]);

impl Moment {
    fn of(at: Timestamp) -> Self {
        let nanoseconds = i128::from(at.0.clamp(FIRST, LAST)) * 1_000_000;
        let at =
            OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).expect("years 0 to 9999 are in range");
        let mut text = *b"0000-00-00T00:00:00.000Z";
        write(&mut text[0..4], at.year().unsigned_abs());
        write(&mut text[5..7], u8::from(at.month()).into());
        write(&mut text[8..10], at.day().into());
        write(&mut text[11..13], at.hour().into());
        write(&mut text[14..16], at.minute().into());
        write(&mut text[17..19], at.second().into());
        write(&mut text[20..23], at.millisecond().into());
        Self(text)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits and separators are ASCII")
    }
}

/// Fills `digits` with the last decimal digits of `number`.
fn write(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit is below 10");
        number /= 10;
    }
}

/// For `#[serde(serialize_with)]`.
pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    Moment::of(*at).as_str().serialize(serializer)
}

/// The same where there may be none; not called where there is none.
pub(crate) fn serialize_some<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(rfc3339).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};
    use time::format_description::well_known::Rfc3339;

    use super::*;

    #[test]
    fn times_are_written_with_milliseconds_in_utc() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_007, "2000-02-29T00:00:00.007Z"),
            (1_795_201_143_120, "2026-11-20T18:59:03.120Z"),
            (FIRST, "0000-01-01T00:00:00.000Z"),
            (LAST, "9999-12-31T23:59:59.999Z"),
        ];
        for (milliseconds, text) in table {
            assert_eq!(rfc3339(Timestamp(milliseconds)), text);
        }
    }

    #[test]
    fn times_that_the_format_cannot_hold_become_its_first_and_last() {
        assert_eq!(rfc3339(Timestamp(i64::MIN)), rfc3339(Timestamp(FIRST)));
        assert_eq!(rfc3339(Timestamp(i64::MAX)), rfc3339(Timestamp(LAST)));
    }

    proptest! {
        #[test]
        fn another_reader_of_the_format_reads_the_same_time(milliseconds in FIRST..=LAST) {
            let text = rfc3339(Timestamp(milliseconds));
            let read = OffsetDateTime::parse(&text, &Rfc3339).unwrap();
            prop_assert_eq!(read.unix_timestamp_nanos(), i128::from(milliseconds) * 1_000_000);
            prop_assert_eq!(text.len(), 24);
        }
    }
}
