//! The listings for people: all made from the registry, so that none of them can be out of date.

pub(crate) mod defaults;
pub(crate) mod effective;
pub(crate) mod variables;

/// Breaks a paragraph into lines of at most `width` characters, each behind `prefix`.
fn wrap(paragraph: &str, prefix: &str, width: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for word in paragraph.split_whitespace() {
        if !line.is_empty() && prefix.len() + line.chars().count() + 1 + word.chars().count() > width {
            text.push_str(&format!("{prefix}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        text.push_str(&format!("{prefix}{line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn a_paragraph_is_broken_between_words() {
        assert_eq!(wrap("one two three four", "# ", 10), "# one two\n# three\n# four\n");
        assert_eq!(wrap("unbreakable", "# ", 4), "# unbreakable\n");
        assert_eq!(wrap("", "# ", 10), "");
    }
}
