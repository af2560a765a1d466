//! Values against the document's schemas. Knows the keywords that the document uses, and stops at any other one: nothing
//! is passed over in silence.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use regex::Regex;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Keywords that say something to people alone.
const SAID: &[&str] = &["description", "title"];

/// Which fields of which objects were there, and which were not: `place/field`.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) present: BTreeSet<String>,
    pub(crate) absent: BTreeSet<String>,
}

/// Holds values against schemas.
pub(crate) struct Checker<'d> {
    pub(crate) document: &'d Value,
    /// Whether a field that is not described is a mistake.
    pub(crate) strict: bool,
}

type Outcome = Result<(), String>;

impl<'d> Checker<'d> {
    /// What a reference means.
    pub(crate) fn resolve(&self, reference: &str) -> &'d Value {
        let pointer = reference.strip_prefix('#').unwrap();
        self.document.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// Holds `value` against the schema at `place`, and notes what it has where it fits.
    pub(crate) fn check(&self, schema: &Value, place: &str, value: &Value, seen: &mut Seen) -> Outcome {
        let keywords = schema.as_object().unwrap();
        for (keyword, rule) in keywords {
            let outcome = self.keyword(keyword, rule, place, value, seen);
            outcome.map_err(|error| format!("{error}; {keyword} at {place}"))?;
        }
        match (keywords.get("properties"), value) {
            (Some(properties), Value::Object(fields)) => {
                self.object(properties.as_object().unwrap(), keywords, place, fields, seen)
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    fn keyword(&self, keyword: &str, rule: &Value, place: &str, value: &Value, seen: &mut Seen) -> Outcome {
        match keyword {
            "$ref" => {
                let place = rule.as_str().unwrap();
                self.check(self.resolve(place), place, value, seen)
            }
            "anyOf" => self.any(rule, place, value, seen),
            "allOf" => each(rule).try_for_each(|schema| self.check(schema, place, value, seen)),
            "not" => holds(self.check(rule, place, value, &mut Seen::default()).is_err(), value),
            "items" => value
                .as_array()
                .into_iter()
                .flatten()
                .try_for_each(|item| self.check(rule, &format!("{place}[]"), item, seen)),
            // Looked at with the whole object.
            "properties" | "additionalProperties" => Ok(()),
            keyword if SAID.contains(&keyword) => Ok(()),
            keyword => holds(simple(keyword, rule, value), value),
        }
    }

    fn any(&self, rule: &Value, place: &str, value: &Value, seen: &mut Seen) -> Outcome {
        let mut errors = Vec::new();
        for schema in each(rule) {
            let mut noted = seen.clone();
            match self.check(schema, place, value, &mut noted) {
                Ok(()) => {
                    *seen = noted;
                    return Ok(());
                }
                Err(error) => errors.push(error),
            }
        }
        Err(errors.join(" and "))
    }

    fn object(
        &self,
        properties: &Map<String, Value>,
        schema: &Map<String, Value>,
        place: &str,
        fields: &Map<String, Value>,
        seen: &mut Seen,
    ) -> Outcome {
        for (name, property) in properties {
            let inner = format!("{place}/{name}");
            match fields.get(name) {
                Some(value) => {
                    self.check(property, &inner, value, seen)?;
                    seen.present.insert(inner);
                }
                None => {
                    seen.absent.insert(inner);
                }
            }
        }
        let open = !self.strict || schema.contains_key("additionalProperties");
        match fields.keys().find(|name| !open && !properties.contains_key(*name)) {
            Some(name) => Err(format!("{name} is not described at {place}")),
            None => Ok(()),
        }
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().unwrap().iter()
}

fn holds(fits: bool, value: &Value) -> Outcome {
    if fits { Ok(()) } else { Err(format!("{value} does not fit")) }
}

/// Keywords that need no other part of the document.
fn simple(keyword: &str, rule: &Value, value: &Value) -> bool {
    let text = value.as_str();
    let length = |text: &str| text.chars().count() as u64;
    match keyword {
        "type" => match rule {
            Value::Array(kinds) => kinds.iter().any(|kind| is(kind.as_str().unwrap(), value)),
            kind => is(kind.as_str().unwrap(), value),
        },
        "const" => rule == value,
        "enum" => each(rule).any(|word| word == value),
        "required" => value
            .as_object()
            .is_none_or(|fields| each(rule).all(|name| fields.contains_key(name.as_str().unwrap()))),
        "minimum" => compared(value, rule).is_none_or(Ordering::is_ge),
        "maximum" => compared(value, rule).is_none_or(Ordering::is_le),
        "minLength" => text.is_none_or(|text| length(text) >= rule.as_u64().unwrap()),
        "maxLength" => text.is_none_or(|text| length(text) <= rule.as_u64().unwrap()),
        "pattern" => text.is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        "format" => text.is_none_or(|text| match rule.as_str().unwrap() {
            "uuid" => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
            "date-time" => OffsetDateTime::parse(text, &Rfc3339).is_ok(),
            format => panic!("the checker does not know the format {format}"),
        }),
        keyword => panic!("the checker does not know the keyword {keyword}"),
    }
}

/// Whether the text has the pattern. Making one takes long, and there are few.
fn matches(pattern: &str, text: &str) -> bool {
    thread_local!(static MADE: RefCell<HashMap<String, Regex>> = RefCell::default());
    MADE.with_borrow_mut(|made| {
        made.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
    })
}

/// Two numbers; integers to the last digit, which a fraction does not keep.
fn compared(value: &Value, limit: &Value) -> Option<Ordering> {
    let whole = |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    match (whole(value), whole(limit)) {
        (Some(value), Some(limit)) => Some(value.cmp(&limit)),
        _ => value.as_f64()?.partial_cmp(&limit.as_f64()?),
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        kind => panic!("the checker does not know the type {kind}"),
    }
}
