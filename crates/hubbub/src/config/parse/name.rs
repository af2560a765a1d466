//! Names of nodes, workers, cookies and key prefixes: what is safe in a URL, a Redis key and a metric label alike.

use crate::config::mistake::Unfit;

/// 1 to 63 characters of `A-Z a-z 0-9 _ - .`. Braces and colons are left out on purpose: a brace in the Redis
/// prefix would move the hash tag and break every script on a cluster.
pub(crate) fn parse(text: &str) -> Result<String, Unfit> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if (1..=63).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(Unfit::expects("1 to 63 characters of A-Z a-z 0-9 _ - ."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for (text, fits) in [
            ("hubbub", true),
            ("node-1.eu_west", true),
            ("", false),
            ("a b", false),
            ("hubbub:prod", false),
            ("{tag}", false),
            ("knötchen", false),
        ] {
            assert_eq!(parse(text).is_ok(), fits, "{text}");
        }
        assert!(parse(&"n".repeat(63)).is_ok());
        assert!(parse(&"n".repeat(64)).is_err());
    }
}
