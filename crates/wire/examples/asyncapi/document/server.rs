//! What the server sends: a name, and its fields as they are written.

use serde_json::{Map, Value, json};

use super::client::add;
use super::doors::{Door, Frames};
use super::reference;

/// One message of the server.
pub(super) struct Tell {
    /// Its name in the document, where it differs from `name`.
    key: &'static str,
    /// What stands in `type`, or the event's name.
    name: &'static str,
    summary: &'static str,
    /// Its fields. A question mark behind the name: it may be absent.
    fields: Vec<(&'static str, Value)>,
    /// Whether it is told to clients that did not ask for it.
    pub(super) unasked: bool,
    /// What is particular about it, and about its object.
    extra: Value,
    object: Value,
}

/// A message that is told when it happens.
pub(super) fn tell<const N: usize>(
    name: &'static str,
    summary: &'static str,
    fields: [(&'static str, Value); N],
) -> Tell {
    let (extra, object) = (json!({}), json!({}));
    Tell { key: name, name, summary, fields: fields.into(), unasked: true, extra, object }
}

/// A message that only answers.
pub(super) fn answer<const N: usize>(
    name: &'static str,
    summary: &'static str,
    fields: [(&'static str, Value); N],
) -> Tell {
    Tell { unasked: false, ..tell(name, summary, fields) }
}

impl Tell {
    /// The same under another name in the document: two messages have one name on the wire.
    pub(super) fn called(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }

    /// The same, with what is particular about it.
    pub(super) fn with(mut self, extra: Value) -> Self {
        self.extra = extra;
        self
    }

    /// The same, with fields that are not ours beside these.
    pub(super) fn open(mut self) -> Self {
        self.object = json!({ "additionalProperties": true });
        self
    }

    /// Its name in the channel, where a colon may not stand.
    pub(super) fn key(&self) -> String {
        format!("tell.{}", self.key.replace(':', "."))
    }

    pub(super) fn message(&self, door: &Door) -> Value {
        let schema = format!("components/schemas/{}.{}", door.name, self.key());
        let mut message =
            json!({ "name": self.name, "summary": self.summary, "payload": reference(&schema) });
        if self.fields.iter().any(|(name, _)| *name == "ref?") {
            message["correlationId"] = reference("components/correlationIds/ref");
        }
        add(&mut message, &self.extra);
        message
    }

    pub(super) fn payload(&self, door: &Door) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        if door.frames != Frames::Events {
            properties.insert("type".into(), json!({ "const": self.name }));
            required.push("type");
        }
        for (name, shape) in &self.fields {
            match name.strip_suffix('?') {
                Some(name) => properties.insert(name.into(), shape.clone()),
                None => {
                    required.push(name);
                    properties.insert((*name).into(), shape.clone())
                }
            };
        }
        let mut object = json!({ "type": "object", "required": required, "properties": properties });
        add(&mut object, &self.object);
        object
    }
}
