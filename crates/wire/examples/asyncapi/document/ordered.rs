//! The order in which the document's fields are written: well-known ones first, as people read them, the rest by name.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// Fields in the order in which they are read.
const FIRST: &[&str] = &[
    "asyncapi",
    "name",
    "title",
    "version",
    "action",
    "address",
    "host",
    "protocol",
    "channel",
    "code",
    "summary",
    "description",
    "license",
    "info",
    "servers",
    "defaultContentType",
    "channels",
    "operations",
    "components",
    "type",
    "required",
    "properties",
];

/// A value whose objects are written in that order, whatever keeps them in memory.
pub(super) struct Ordered<'a>(pub(super) &'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by_key(|(name, _)| (rank(name), *name));
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    object.serialize_entry(name, &Ordered(value))?;
                }
                object.end()
            }
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                scalar.serialize(serializer)
            }
        }
    }
}

fn rank(name: &str) -> usize {
    FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len())
}
