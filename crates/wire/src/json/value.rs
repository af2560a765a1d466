//! One value inside a frame, and the rules for text and whole numbers.
//!
//! Reading a [`Value`] fails on bad syntax alone, never on an unexpected type. It walks into lists and
//! objects instead of skipping them: skipping has no limit of depth and looks at no escape, walking stops at
//! serde_json's recursion limit (128) and refuses lone surrogates everywhere.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use domain::words::Fault;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::invalid;

/// The largest integer that every JSON implementation keeps exactly: 2^53 - 1.
pub(crate) const LARGEST: u64 = (1 << 53) - 1;

/// Up to here (2^50) a number with a fraction part is read without mistaking one integer for another.
const EXACT: f64 = 1_125_899_906_842_624.0;

/// One JSON value, as far as a field can need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A number without a fraction, `7.0` included. Saturated: far out, only "too large" matters.
    Whole(i64),
    /// Any other number.
    Fraction,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A list or an object.
    Other,
}

/// A field that must be there and must be a string.
pub(crate) fn text<'a>(value: Option<Value<'a>>, rule: &'static str) -> Result<Cow<'a, str>, Fault> {
    match value {
        Some(Value::Text(text)) => Ok(text),
        None | Some(Value::Whole(_) | Value::Fraction | Value::Null | Value::Boolean(_) | Value::Other) => {
            Err(invalid(rule))
        }
    }
}

/// A field that may be absent or null, and else must be a whole number in `range`. Numbers above
/// [`LARGEST`] count as that: they are beyond every position, and need not be kept apart.
pub(crate) fn whole(
    value: Option<&Value<'_>>,
    range: RangeInclusive<u64>,
    rule: &'static str,
) -> Result<Option<u64>, Fault> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Whole(number)) => match u64::try_from(*number).map(|number| number.min(LARGEST)) {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => Err(invalid(rule)),
        },
        Some(Value::Text(_) | Value::Fraction | Value::Boolean(_) | Value::Other) => Err(invalid(rule)),
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Whole(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(whole_part(number))
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Value<'de>, E> {
        Ok(Value::Boolean(boolean))
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        while list.next_element::<Value<'de>>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value<'de>, A::Error> {
        while object.next_entry::<Value<'de>, Value<'de>>()?.is_some() {}
        Ok(Value::Other)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^50")]
fn whole_part<'a>(number: f64) -> Value<'a> {
    match number {
        _ if number.fract() != 0.0 => Value::Fraction,
        _ if number > EXACT => Value::Whole(i64::MAX),
        _ if number < -EXACT => Value::Whole(i64::MIN),
        _ => Value::Whole(number as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_told_apart() {
        let table = [
            (r#""a""#, Value::Text("a".into())),
            (r#""\u00fc\ud83d\ude00\n""#, Value::Text("ü😀\n".into())),
            ("7", Value::Whole(7)),
            ("7.0", Value::Whole(7)),
            ("0.7e1", Value::Whole(7)),
            ("-0", Value::Whole(0)),
            ("-7", Value::Whole(-7)),
            ("7.5", Value::Fraction),
            ("18446744073709551615", Value::Whole(i64::MAX)),
            ("1e30", Value::Whole(i64::MAX)),
            ("-1e30", Value::Whole(i64::MIN)),
            ("null", Value::Null),
            ("true", Value::Boolean(true)),
            (r#"[1,{"a":[]}]"#, Value::Other),
            ("{}", Value::Other),
        ];
        for (json, value) in table {
            assert_eq!(serde_json::from_str::<Value<'_>>(json).unwrap(), value, "{json}");
        }
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let value = serde_json::from_str::<Value<'_>>(r#""grüße""#).unwrap();
        assert!(matches!(value, Value::Text(Cow::Borrowed("grüße"))));
    }

    #[test]
    fn lone_surrogates_are_refused_at_any_depth() {
        for json in [r#""\ud800""#, r#""\udc00""#, r#"["\ud800"]"#, r#"{"\ud800":1}"#, r#"{"a":"\ud800x"}"#] {
            assert!(serde_json::from_str::<Value<'_>>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn whole_numbers_obey_their_range_and_saturate() {
        let read = |json: &str, range| whole(Some(&serde_json::from_str(json).unwrap()), range, "rule").ok();
        assert_eq!(read("5.0", 0..=LARGEST), Some(Some(5)));
        assert_eq!(read("null", 0..=LARGEST), Some(None));
        assert_eq!(read("18446744073709551615", 0..=LARGEST), Some(Some(LARGEST)));
        for json in ["5.5", "-1", r#""5""#, "true", "[5]"] {
            assert_eq!(read(json, 0..=LARGEST), None, "{json}");
        }
        assert_eq!((read("100", 0..=100), read("101", 0..=100)), (Some(Some(100)), None));
    }
}
