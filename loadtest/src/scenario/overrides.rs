//! `key=value` from the command line, laid over a scenario's text. Owns the reading of such a line.

use crate::scenario::error::ScenarioError;

/// Lays one `a.b=value` over a table; a value that is not TOML is taken as a string.
pub(super) fn lay_over(table: &mut toml::Table, entry: &str) -> Result<(), ScenarioError> {
    let malformed = |reason: &str| ScenarioError::Malformed(format!("`{entry}`: {reason}"));
    let (key, text) = entry.split_once('=').ok_or_else(|| malformed("expected key=value"))?;
    let value = toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.into()));
    let mut steps: Vec<&str> = key.trim().split('.').collect();
    let last = steps.pop().ok_or_else(|| malformed("the key is empty"))?;
    let mut place = table;
    for step in steps {
        let inner = place.entry(step).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = inner.as_table_mut().ok_or_else(|| malformed("the key runs through a plain value"))?;
    }
    place.insert(last.into(), value);
    Ok(())
}
