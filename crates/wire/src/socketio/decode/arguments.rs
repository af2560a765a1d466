//! An event's arguments: its name, and the value that it is about.
//!
//! The whole list is looked at first, so that whatever is carried on raw later is known to be good: of bounded depth,
//! and without lone surrogates.

use std::borrow::Cow;
use std::fmt;

use domain::words::{Code, Fault};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Value, each_field, invalid, text};

/// The first two arguments.
pub(super) struct Arguments<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) argument: Argument<'a>,
}

/// What an event is about.
pub(super) enum Argument<'a> {
    /// An object's fields; nothing and null are an object without any.
    Object(Fields<'a>),
    /// A value without a name.
    Bare(Value<'a>),
}

/// The fields of one object, as they came.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Arguments<'a> {
    /// Reads a packet's payload.
    pub(super) fn read(payload: &'a str) -> Result<Self, Fault> {
        if !payload.starts_with('[') {
            return Err(invalid("the event is not a JSON list"));
        }
        serde_json::from_str::<Value<'_>>(payload).map_err(|error| unreadable(&error))?;
        let Head { name, argument } = serde_json::from_str(payload).map_err(|error| unreadable(&error))?;
        let name = text(name, "the event's name must be there and must be a string")?;
        Ok(Self { name, argument: Argument::read(argument)? })
    }
}

fn unreadable(error: &serde_json::Error) -> Fault {
    Fault::new(Code::InvalidMessage, format!("the event cannot be read: {error}"))
}

impl<'a> Argument<'a> {
    fn read(raw: Option<&'a RawValue>) -> Result<Self, Fault> {
        let text = raw.map_or("null", RawValue::get);
        let mut fields = Vec::new();
        if text.starts_with('{') {
            each_field(text, |name, value| fields.push((name, value))).map_err(|error| unreadable(&error))?;
        } else if text != "null" {
            return serde_json::from_str(text).map(Self::Bare).map_err(|error| unreadable(&error));
        }
        Ok(Self::Object(Fields(fields)))
    }

    /// The fields, where the event takes nothing else.
    pub(super) fn object(self) -> Result<Fields<'a>, Fault> {
        match self {
            Self::Object(fields) => Ok(fields),
            Self::Bare(_) => Err(invalid("the event's data must be an object")),
        }
    }
}

impl<'a> Fields<'a> {
    /// A field as it was written. One that stands there twice is refused, since a proxy and this server could
    /// otherwise disagree about which one counts.
    pub(super) fn raw(&self, wanted: &'static str) -> Result<Option<&'a str>, Fault> {
        let mut found = self.0.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.get());
        match (found.next(), found.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Fault::new(Code::InvalidMessage, format!("{wanted} stands there twice"))),
        }
    }

    /// A field's value.
    pub(super) fn value(&self, wanted: &'static str) -> Result<Option<Value<'a>>, Fault> {
        self.raw(wanted)?.map(serde_json::from_str).transpose().map_err(|error| unreadable(&error))
    }

    /// All fields but these, as the text of one object; `None`: there are no others.
    pub(super) fn without(&self, known: &[&str]) -> Option<Box<str>> {
        let mut object = String::new();
        for (name, value) in self.0.iter().filter(|(name, _)| !known.contains(&&**name)) {
            object.push(if object.is_empty() { '{' } else { ',' });
            object += &serde_json::to_string(name).expect("a string is always encoded");
            object.push(':');
            object += value.get();
        }
        (!object.is_empty()).then(|| (object + "}").into())
    }
}

struct Head<'a> {
    name: Option<Value<'a>>,
    argument: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Head<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Head<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Head<'de>, A::Error> {
        let head = Head { name: list.next_element()?, argument: list.next_element()? };
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(head)
    }
}
