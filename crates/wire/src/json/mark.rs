//! `ref`: the client's own mark on a frame, repeated as it was written.

use domain::dialect::Reference;
use domain::words::Fault;
use serde_json::value::RawValue;

use super::{Value, invalid};

/// Longest mark, in characters as written, without quotes.
const LONGEST: usize = 128;

/// What stands behind `ref`, before any rule is applied to it.
pub(crate) type Mark<'a> = &'a RawValue;

/// The mark that a frame carries; null is none. It must be short and a scalar, for it is sent back whole.
pub(crate) fn read_mark(mark: Option<Mark<'_>>) -> Result<Option<Reference>, Fault> {
    let Some(text) = mark.map(RawValue::get).filter(|text| *text != "null") else { return Ok(None) };
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    // Taken over raw, hence not yet looked at: a lone surrogate must not be sent back.
    let scalar = !text.starts_with(['[', '{']);
    if !scalar || inner.chars().nth(LONGEST).is_some() || serde_json::from_str::<Value<'_>>(text).is_err() {
        return Err(invalid("ref must be a string, a number or a boolean of at most 128 characters"));
    }
    Ok(Some(text.into()))
}

/// A mark that was read before, to be repeated.
pub(crate) fn mark(reference: Option<&str>) -> Option<Mark<'_>> {
    reference.and_then(|text| serde_json::from_str(text).ok())
}
