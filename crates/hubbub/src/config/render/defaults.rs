//! `hubbub config default`: the commented defaults file.
//!
//! Invariant: read back as it is, it changes nothing.

use super::wrap;
use crate::config::registry::SECTIONS;
use crate::config::setting::{Section, Setting};

const HEAD: &str = "\
# Settings of Hubbub with their defaults. An empty text means \"not set\".
#
# Order: built-in defaults < this file (--config FILE or HUBBUB_CONFIG) < environment < flags (--set key=value).
# Durations: \"25s\", \"15ms\", \"24h\", \"1h30m\". Sizes: \"64KiB\", \"1MiB\", \"10MB\" or plain bytes.
# Unknown keys are errors. `hubbub config check` shows what is in effect and where it comes from.
# Keep only the lines that you change: a default that stands here does not follow the next version.
";

/// The commented defaults file.
pub(crate) fn render() -> String {
    let mut text = HEAD.to_owned();
    for section in SECTIONS {
        text.push_str(&heading(section));
        for setting in section.settings {
            text.push_str(&entry(setting));
        }
    }
    text
}

fn heading(section: &Section) -> String {
    format!("\n{}[{}]\n", wrap(section.doc, "# ", 110), section.name)
}

fn entry(setting: &Setting) -> String {
    let file = setting.file_variable().map_or(String::new(), |twin| format!(" or {twin}"));
    let about =
        format!("# {}; default {}; {}{file}\n", setting.kind.describe(), shown(setting), setting.variable());
    format!("\n{}{about}{} = {}\n", wrap(setting.doc, "# ", 110), setting.leaf(), literal(setting))
}

fn shown(setting: &Setting) -> String {
    if setting.default.is_empty() && !setting.kind.is_list() {
        "not set".to_owned()
    } else {
        literal(setting)
    }
}

/// The default in TOML notation.
fn literal(setting: &Setting) -> String {
    if setting.kind.is_bare() {
        return setting.default.to_owned();
    }
    if setting.kind.is_list() {
        let parts = setting.default.split(',').filter(|part| !part.is_empty());
        return format!("[{}]", parts.map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(", "));
    }
    format!("\"{}\"", setting.default)
}
