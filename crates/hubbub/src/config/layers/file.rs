//! The file layer: TOML with one table per section.
//!
//! Invariant: everything found in the file is either an assignment or a mistake with its line; nothing is skipped,
//! also when another part of the file is not valid TOML.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Layers;
use crate::config::mistake::Problem;
use crate::config::registry;
use crate::config::source::Source;
use crate::config::suggestion::nearest;
use crate::config::value::Raw;

/// Reads the file at `path`, which `named_by` chose, into the layers.
pub(crate) fn read(path: &Path, named_by: Source, layers: &mut Layers) {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text, layers),
        Err(error) => {
            let problem = Problem::Unreadable { path: path.to_owned(), reason: error.to_string() };
            layers.mistake(named_by, problem);
        }
    }
}

/// Reads the text of a file into the layers.
pub(crate) fn parse(path: &Path, text: &str, layers: &mut Layers) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { path, text, broken: Vec::new(), layers };
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let source = reader.source(&span);
        reader.broken.push(source.clone());
        reader.layers.mistake(source, Problem::Syntax { reason: error.message().to_owned() });
    }
    reader.table("", table.get_ref());
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    /// Lines that are not TOML: what the parser guessed there is not judged a second time.
    broken: Vec<Source>,
    layers: &'a mut Layers,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let dotted = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            let source = self.source(&name.span());
            if !self.broken.contains(&source) {
                self.entry(&dotted, value, source);
            }
        }
    }

    fn entry(&mut self, dotted: &str, value: &Spanned<DeValue<'_>>, source: Source) {
        let value = value.get_ref();
        if let Some(setting) = registry::find(dotted) {
            return self.layers.assign(setting, raw(value), source);
        }
        match value.as_table() {
            // An unknown table is walked as well, so that each of its keys is named.
            Some(inner) if registry::is_section(dotted) || !inner.is_empty() => self.table(dotted, inner),
            _ if registry::is_section(dotted) => {
                self.layers.mistake(source, Problem::NotASection { name: dotted.to_owned() });
            }
            _ => {
                let suggestion = nearest(dotted).map(|setting| setting.key.to_owned());
                self.layers.mistake(source, Problem::UnknownKey { written: dotted.to_owned(), suggestion });
            }
        }
    }

    fn source(&self, span: &Range<usize>) -> Source {
        let before = self.text.as_bytes().iter().take(span.start);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        Source::File { path: self.path.to_owned(), line }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => integer(number.as_str(), number.radix()),
        DeValue::Boolean(yes) => Raw::Bare(yes.to_string()),
        DeValue::Array(parts) => {
            let texts = parts.iter().map(|part| part.get_ref().as_str().map(str::to_owned));
            texts
                .collect::<Option<Vec<_>>>()
                .map_or(Raw::Other("a list of other things than texts"), Raw::List)
        }
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

/// TOML allows `1_000_000` and `0x10`; the parser hands the digits over without prefix and underscores.
fn integer(digits: &str, radix: u32) -> Raw {
    match i128::from_str_radix(digits, radix) {
        Ok(number) => Raw::Bare(number.to_string()),
        Err(_) => Raw::Other("a number out of range"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(text: &str) -> Layers {
        let mut layers = Layers::default();
        parse(Path::new("hubbub.toml"), text, &mut layers);
        layers
    }

    fn told(text: &str) -> Vec<String> {
        layers(text).mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_notation_of_toml_becomes_a_raw_value() {
        for (text, expected) in [
            ("server.drain = \"5s\"", Raw::Text("5s".to_owned())),
            ("server = { drain = \"5s\" }", Raw::Text("5s".to_owned())),
            ("[server]\ndrain = 1_000", Raw::Bare("1000".to_owned())),
            ("[server]\ndrain = 0x10", Raw::Bare("16".to_owned())),
            ("[server]\ndrain = -5", Raw::Bare("-5".to_owned())),
            ("[server]\ndrain = true", Raw::Bare("true".to_owned())),
            ("[server]\ndrain = [\"a\", \"b\"]", Raw::List(vec!["a".to_owned(), "b".to_owned()])),
            ("[server]\ndrain = [1]", Raw::Other("a list of other things than texts")),
            ("[server]\ndrain = 1.5", Raw::Other("a number with a fraction")),
            ("[server]\ndrain = 2026-11-20", Raw::Other("a date")),
            ("[server.drain]\nx = 1", Raw::Other("a table")),
        ] {
            let layers = layers(text);
            assert_eq!(layers.assignments.len(), 1, "{text}");
            assert_eq!(layers.assignments[0].raw, expected, "{text}");
            assert_eq!(layers.assignments[0].key, "server.drain");
        }
    }

    #[test]
    fn unknown_keys_are_named_with_their_line() {
        let text = "[server]\n\nlisen = \"x\"\n[sever]\ndrain = \"5s\"\n[empty]\n";
        let mut told = told(text);
        told.sort();
        assert_eq!(
            told,
            [
                "unknown setting `empty` (hubbub.toml:6)",
                "unknown setting `server.lisen`, did you mean `server.listen`? (hubbub.toml:3)",
                "unknown setting `sever.drain`, did you mean `server.drain`? (hubbub.toml:5)",
            ]
        );
    }

    #[test]
    fn a_section_is_not_a_value() {
        assert_eq!(told("server = 5"), ["`server` is a section and takes keys, not a value (hubbub.toml:1)"]);
        assert_eq!(told("namespace = 5").len(), 1);
        assert_eq!(told("[[server]]\ndrain = \"5s\"").len(), 1);
    }

    #[test]
    fn broken_toml_is_told_with_its_line_beside_everything_else() {
        let told = told("[server]\nlisen = \"x\"\ndrain = = 5\n[log]\nfromat = \"json\"\n");
        assert!(
            told.iter().any(|line| line.contains("not valid TOML") && line.ends_with("(hubbub.toml:3)")),
            "{told:?}"
        );
        assert!(told.iter().any(|line| line.contains("server.lisen")), "{told:?}");
        assert!(told.iter().any(|line| line.contains("log.format")), "{told:?}");
    }
}
