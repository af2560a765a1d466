//! `hubbub keys status`: which key seals how many messages, and which keys can be taken away.

use std::fmt::Write as _;

use domain::KeyId;

use super::{ids, vault};
use crate::command::print;
use crate::config::Config;
use crate::exit::Exit;
use crate::wiring;

/// Prints one line per key.
pub(super) async fn run(config: Config) -> Result<(), Exit> {
    let url = wiring::needed(config.database.url.as_ref(), "database.url")?;
    let counted = vault(&config).await?.census().await;
    let counted = counted.map_err(|error| wiring::dependency("the database", url, &error))?;
    print(&table(&ids(&config), &counted))
}

fn table(configured: &[KeyId], counted: &[(Option<KeyId>, u64)]) -> String {
    let count = |key: Option<&KeyId>| {
        counted.iter().find(|(known, _)| known.as_ref() == key).map_or(0, |(_, count)| *count)
    };
    let mut lines = format!("{:<24} {:>12}  role\n", "key", "messages");
    let mut line = |name: &str, count: u64, role: &str| {
        writeln!(lines, "{name:<24} {count:>12}  {role}").expect("a string takes everything");
    };
    for (place, key) in configured.iter().enumerate() {
        let messages = count(Some(key));
        let role = match (place, messages) {
            (0, _) => "seals",
            (_, 0) => "opens; seals nothing in the database any more",
            (_, _) => "opens; `hubbub keys rotate` frees it",
        };
        line(key.as_str(), messages, role);
    }
    for (key, messages) in counted {
        match key {
            Some(key) if !configured.contains(key) => {
                line(key.as_str(), *messages, "MISSING: cannot be read")
            }
            None => line("(none)", *messages, "not sealed; `hubbub keys rotate` seals them"),
            Some(_) => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_shown_with_what_it_seals_and_what_to_do() {
        let key = |id: &str| KeyId::parse(id).unwrap();
        let counted = [(Some(key("new")), 3), (Some(key("old")), 2), (Some(key("lost")), 1), (None, 4)];
        let table = table(&[key("new"), key("old"), key("idle")], &counted);
        let lines: Vec<Vec<&str>> =
            table.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
        assert_eq!(
            lines,
            [
                ["key", "messages", "role"],
                ["new", "3", "seals"],
                ["old", "2", "opens;"],
                ["idle", "0", "opens;"],
                ["lost", "1", "MISSING:"],
                ["(none)", "4", "not"],
            ]
        );
    }
}
