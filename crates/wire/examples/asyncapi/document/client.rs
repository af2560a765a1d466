//! What clients send, as the doors' tables have it.

use serde_json::{Map, Value, json};
use wire::types::{Field, Shape, Spec};

use super::doors::{Door, Frames};
use super::{reference, shapes};

/// One message of a client.
pub(super) struct Ask {
    pub(super) spec: Spec,
    /// What it is for.
    pub(super) summary: &'static str,
    /// The messages that may answer it.
    pub(super) answers: Vec<&'static str>,
    /// What is particular about it.
    pub(super) extra: Value,
}

impl Ask {
    /// Its name in the channel, where a colon may not stand.
    pub(super) fn key(&self) -> String {
        format!("ask.{}", self.spec.name.replace(':', "."))
    }

    pub(super) fn message(&self, door: &Door) -> Value {
        let mut message = json!({
            "name": self.spec.name,
            "summary": self.summary,
            "payload": self.payload(door),
            "x-role": self.spec.role.as_str(),
            "x-cost": self.spec.cost,
        });
        if door.frames == Frames::Marked {
            message["correlationId"] = reference("components/correlationIds/ref");
        }
        add(&mut message, &self.extra);
        message
    }

    fn payload(&self, door: &Door) -> Value {
        let fields = self.spec.fields;
        let object = self.object(door);
        match fields.iter().find(|field| field.alone) {
            Some(field) => json!({ "anyOf": [object, described(field)] }),
            None => object,
        }
    }

    fn object(&self, door: &Door) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        if door.frames != Frames::Events {
            properties.insert("type".into(), json!({ "const": self.spec.name }));
            properties.insert("ref".into(), reference("components/schemas/Ref"));
            required.push("type");
        }
        let mut object = json!({ "type": "object" });
        for field in self.spec.fields {
            for name in [Some(field.name), field.also].into_iter().flatten() {
                properties.insert(name.into(), described(field));
            }
            match field.also {
                Some(also) if field.required => {
                    object["anyOf"] = json!([{ "required": [field.name] }, { "required": [also] }]);
                }
                None if field.required => required.push(field.name),
                Some(_) | None => {}
            }
        }
        object["properties"] = properties.into();
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        object
    }
}

/// A field with what it means. Where it may be absent, null is the same.
fn described(field: &Field) -> Value {
    let mut schema = shape(field.shape);
    if !field.required {
        schema = shapes::or_null(schema);
    }
    // What stands beside a reference is not looked at.
    if schema.get("$ref").is_some() {
        schema = json!({ "allOf": [schema] });
    }
    schema["description"] = field.means.into();
    schema
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Anything => json!({}),
        Shape::Text => json!({ "type": "string" }),
        Shape::Short(most) => shapes::short(most),
        Shape::Word(words) => json!({ "type": "string", "enum": words }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Whole(least, None) => json!({ "type": "integer", "minimum": least }),
        Shape::Whole(least, Some(most)) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::RoomName => reference("components/schemas/RoomName"),
        Shape::RoomKey => reference("components/schemas/RoomKey"),
        Shape::User => reference("components/schemas/UserId"),
        Shape::Recipient => json!({ "anyOf": [
            reference("components/schemas/UserId"), reference("components/schemas/RoomKey"),
        ]}),
        Shape::Id => reference("components/schemas/Id"),
        Shape::Ids => json!({ "type": "array", "items": reference("components/schemas/Id") }),
        Shape::Event => reference("components/schemas/WrittenEventId"),
    }
}

/// Puts the fields of one object into another one.
pub(super) fn add(object: &mut Value, extra: &Value) {
    for (name, value) in extra.as_object().into_iter().flatten() {
        object[name.as_str()] = value.clone();
    }
}
