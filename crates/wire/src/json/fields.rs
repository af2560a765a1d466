//! An object's fields one by one, each value as it was written.
//!
//! For objects whose fields belong to the client: they are carried, not understood.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Value;

/// Shows every field of the object in `text` to `visit`, in order. On an error, those before it were shown.
pub(crate) fn each_field<'a>(
    text: &'a str,
    visit: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<(), serde_json::Error> {
    serde_json::Deserializer::from_str(text).deserialize_map(Fields(visit))
}

struct Fields<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some((name, value)) = object.next_entry::<Value<'de>, &'de RawValue>()? {
            let Value::Text(name) = name else { return Err(A::Error::custom("a field without a name")) };
            (self.0)(name, value);
        }
        Ok(())
    }
}
