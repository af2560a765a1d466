//! `hubbub config check`: what is in effect and where each value came from.

use crate::config::effective::Effective;
use crate::config::registry::settings;

/// One line per setting: key, value with secrets masked, source.
pub(crate) fn render(effective: &Effective) -> String {
    let rows: Vec<(&str, String, String)> = settings()
        .map(|setting| {
            let (value, source) = effective.shown(setting.key);
            (setting.key, value, source.to_string())
        })
        .collect();
    let keys = rows.iter().map(|(key, _, _)| key.len()).max().unwrap_or(0);
    // A single long list must not push every source off the screen.
    let values = rows.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or(0).min(48);
    rows.iter().map(|(key, value, source)| format!("{key:<keys$}  {value:<values$}  {source}\n")).collect()
}
