//! Shapes, in words that tables can use.

use serde_json::{Value, json};

use super::reference;

/// A string of one to so many characters.
pub(super) fn short(most: u64) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": "^[^\\u0000]*$" })
}

/// The same, or nothing.
pub(super) fn or_null(mut schema: Value) -> Value {
    let Some(kind) = schema.get("type").and_then(Value::as_str).map(str::to_owned) else {
        return if schema == json!({}) { schema } else { json!({ "anyOf": [schema, { "type": "null" }] }) };
    };
    schema["type"] = json!([kind, "null"]);
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    schema
}

pub(super) fn text(means: &str) -> Value {
    json!({ "type": "string", "description": means })
}

pub(super) fn count(means: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": means })
}

pub(super) fn flag(means: &str) -> Value {
    json!({ "type": "boolean", "description": means })
}

pub(super) fn word(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

pub(super) fn constant(value: impl Into<Value>) -> Value {
    json!({ "const": value.into() })
}

pub(super) fn anything(means: &str) -> Value {
    json!({ "description": means })
}

pub(super) fn list(item: &Value) -> Value {
    json!({ "type": "array", "items": item })
}

pub(super) fn shared_as(name: &str) -> Value {
    reference(&format!("components/schemas/{name}"))
}

pub(super) fn room() -> Value {
    shared_as("Room")
}

pub(super) fn user() -> Value {
    shared_as("UserId")
}

pub(super) fn username() -> Value {
    text("The name that others see, where the token has one.")
}

pub(super) fn id() -> Value {
    shared_as("Id")
}

pub(super) fn seq() -> Value {
    shared_as("Seq")
}

pub(super) fn epoch() -> Value {
    shared_as("Epoch")
}

pub(super) fn time() -> Value {
    shared_as("Time")
}

pub(super) fn mark() -> Value {
    shared_as("Ref")
}

pub(super) fn client_id() -> Value {
    text("The sender's own name for it.")
}

pub(super) fn message_type() -> Value {
    word(&["text", "image", "file", "system"])
}

pub(super) fn unusual_type() -> Value {
    word(&["image", "file", "system"])
}

pub(super) fn attachments() -> Value {
    list(&shared_as("Attachment"))
}

pub(super) fn unreadable() -> Value {
    shared_as("Unreadable")
}
