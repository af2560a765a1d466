//! `hubbub config env`: every variable with its default and meaning.

use super::wrap;
use crate::config::CONFIG_VARIABLE;
use crate::config::registry::SECTIONS;
use crate::config::setting::Setting;

const INDENT: &str = "    ";

/// Every variable.
pub(crate) fn render() -> String {
    let mut text =
        format!("{CONFIG_VARIABLE}=\n{INDENT}The configuration file; the flag --config wins over it.\n");
    for section in SECTIONS {
        text.push_str(&format!("\n# [{}] {}\n", section.name, section.doc));
        for setting in section.settings {
            text.push_str(&entry(setting));
        }
    }
    text
}

fn entry(setting: &Setting) -> String {
    let about = format!("({}) {}", setting.kind.describe(), setting.doc);
    let mut text = format!("{}={}\n{}", setting.variable(), setting.default, wrap(&about, INDENT, 110));
    if let Some(twin) = setting.file_variable() {
        text.push_str(&format!("{twin}=\n{INDENT}A file that holds the value of {}.\n", setting.variable()));
    }
    text
}
