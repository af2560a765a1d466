//! What the protocol itself demands of a packet's JSON, and no more: the rest is the dialect's business.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Names that the reference implementation keeps for itself.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether this is one JSON object.
pub(super) fn is_object(payload: &str) -> bool {
    payload.starts_with('{') && serde_json::from_str::<IgnoredAny>(payload).is_ok()
}

/// Whether this is one JSON array.
pub(super) fn is_array(payload: &str) -> bool {
    payload.starts_with('[') && serde_json::from_str::<IgnoredAny>(payload).is_ok()
}

/// Whether this is an event: an array that begins with a name (or a number) that is not reserved.
pub(super) fn is_event(payload: &str) -> bool {
    payload.starts_with('[') && serde_json::from_str::<Event>(payload).is_ok()
}

/// An event's payload that keeps the rules.
struct Event;

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Named)
    }
}

struct Named;

impl<'de> Visitor<'de> for Named {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array that begins with an event's name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Event, A::Error> {
        let name: Option<&RawValue> = elements.next_element()?;
        if !name.is_some_and(|name| is_name(name.get())) {
            return Err(A::Error::custom("not an event's name"));
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Event)
    }
}

fn is_name(json: &str) -> bool {
    match json.as_bytes().first() {
        // Decoded: a reserved name is one also where a letter of it is escaped.
        Some(b'"') => serde_json::from_str::<Name<'_>>(json).is_ok_and(|name| !RESERVED.contains(&&*name.0)),
        Some(b'-' | b'0'..=b'9') => true,
        Some(_) | None => false,
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_an_array_that_begins_with_a_name() {
        for (payload, expected) in [
            (r#"["message",1,{"a":[true]}]"#, true),
            (r#"["message"]"#, true),
            (r#"["gr\u00fc\u00df"]"#, true),
            (r#"[7,"number"]"#, true),
            (r#"["Connect"]"#, true),
            (r#"["connect"]"#, false),
            (r#"["\u0063onnect"]"#, false),
            (r#"["disconnecting",1]"#, false),
            (r#"["newListener"]"#, false),
            (r"[]", false),
            (r"[null]", false),
            (r#"[{"a":1}]"#, false),
            (r"{}", false),
            (r#""message""#, false),
            (r#"abc["message"]"#, false),
            (r#"["message""#, false),
            (r#"["message"]x"#, false),
            (r#"["message",]"#, false),
            (r#" ["message"]"#, false),
            ("", false),
        ] {
            assert_eq!(is_event(payload), expected, "{payload}");
        }
    }

    #[test]
    fn an_object_and_an_array_are_whole_json() {
        assert!(is_object(r#"{"token":"1"}"#) && is_array("[1,{}]") && is_array("[]"));
        for payload in ["", "null", "{", "{}x", "[1", "\"{}\"", "abc"] {
            assert!(!is_object(payload) && !is_array(payload), "{payload}");
        }
    }
}
