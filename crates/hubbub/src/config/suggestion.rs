//! "Did you mean": the nearest name among those that exist.
//!
//! Pure. Dots, single and double underscores are taken as the same, since `HUBBUB_REDIS_URL` for
//! `HUBBUB_REDIS__URL` is the commonest slip.

use super::registry;
use super::setting::Setting;

/// The setting whose key is nearest to what was written, if any is near enough to be meant.
pub(crate) fn nearest(written: &str) -> Option<&'static Setting> {
    let wanted = plain(written);
    let scored = registry::settings().map(|setting| (distance(&wanted, &plain(setting.key)), setting));
    let (score, best) = scored.min_by_key(|(score, _)| *score)?;
    if score <= (wanted.len() / 5).max(2) { Some(best) } else { same_leaf(written) }
}

/// The one setting with the same last part: `redis.jwt_secret` meant `auth.jwt_secret`.
fn same_leaf(written: &str) -> Option<&'static Setting> {
    let leaf = written.rsplit('.').next()?;
    let mut found = registry::settings().filter(|setting| setting.leaf() == leaf);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace("__", "_").replace(['.', '-'], "_")
}

/// Edit distance (Levenshtein): insertions, deletions and replacements of single characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, from) in left.chars().enumerate() {
        let mut corner = line;
        row[0] = line + 1;
        for (column, to) in right.iter().enumerate() {
            let replaced = corner + usize::from(from != *to);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance_counts_single_characters() {
        for (left, right, expected) in
            [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("a", "b", 1)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn slips_find_the_setting_that_was_meant() {
        for (written, meant) in [
            ("server.lisen", Some("server.listen")),
            ("sever.listen", Some("server.listen")),
            ("redis_url", Some("redis.url")),
            ("limits.max-connections-per-user", Some("limits.max_connections_per_user")),
            ("redis.jwt_secret", Some("auth.jwt_secret")),
            ("nothing.like_this_exists", None),
        ] {
            assert_eq!(nearest(written).map(|setting| setting.key), meant, "{written}");
        }
    }
}
