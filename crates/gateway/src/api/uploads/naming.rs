//! Names and media types of files, as their senders may give them.
//!
//! Invariants: a name is no path and hides nothing; a media type is one.

use std::fmt::Write;

/// Most characters of a name.
const LONGEST: usize = 255;
/// What a file is called whose name has nothing in it.
const NAMELESS: &str = "file";
/// What a file is of which nobody says what it is.
const ANYTHING: &str = "application/octet-stream";

/// The name without a path and without what is not seen; never empty.
pub(super) fn name(given: Option<&str>) -> String {
    let last = given.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let seen: String = last.chars().filter(|character| !is_hidden(*character)).collect();
    let name: String = seen.trim().chars().take(LONGEST).collect();
    match name.trim_end() {
        "" | "." | ".." => NAMELESS.to_owned(),
        name => name.to_owned(),
    }
}

/// Control characters, and those that turn the direction of writing, so that `exe.txt` could be read for `txt.exe`.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `type/subtype`, without parameters, if it is one (RFC 6838, section 4.2).
pub(super) fn media_type(given: Option<&str>) -> String {
    let given = given.and_then(|given| given.split(';').next()).unwrap_or_default().trim();
    match given.split_once('/') {
        Some((kind, subtype)) if is_restricted(kind) && is_restricted(subtype) => given.to_ascii_lowercase(),
        Some(_) | None => ANYTHING.to_owned(),
    }
}

fn is_restricted(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    (1..=127).contains(&name.len()) && name.bytes().all(legal) && name.as_bytes()[0].is_ascii_alphanumeric()
}

/// A name as a header carries it (RFC 8187).
pub(super) fn disposition(name: &str) -> String {
    let mut header = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) => {
                header.push(char::from(byte))
            }
            byte => write!(header, "%{byte:02X}").expect("a text takes what is written"),
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path_and_has_nothing_hidden_in_it() {
        let long = "ä".repeat(300);
        for (given, expected) in [
            ("cat.png", "cat.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\anna\\cat.png", "cat.png"),
            ("  grüße 1.txt ", "grüße 1.txt"),
            ("a\r\nSet-Cookie: b\0.txt", "aSet-Cookie: b.txt"),
            ("txt\u{202e}gpj.exe", "txtgpj.exe"),
            ("folder/", "file"),
            ("..", "file"),
            ("\u{7f}", "file"),
            (long.as_str(), &long[..2 * LONGEST]),
        ] {
            assert_eq!(name(Some(given)), expected, "{given}");
        }
        assert_eq!(name(None), "file");
    }

    #[test]
    fn a_media_type_that_is_none_is_anything() {
        let long = format!("text/{}", "a".repeat(128));
        for (given, expected) in [
            ("image/png", "image/png"),
            ("Text/HTML; charset=utf-8", "text/html"),
            ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
            ("image/svg+xml", "image/svg+xml"),
            ("*/*", ANYTHING),
            ("text", ANYTHING),
            ("text/", ANYTHING),
            ("a/b/c", ANYTHING),
            ("text/ht ml", ANYTHING),
            (long.as_str(), ANYTHING),
        ] {
            assert_eq!(media_type(Some(given)), expected, "{given}");
        }
        assert_eq!(media_type(None), ANYTHING);
    }

    #[test]
    fn a_name_stands_in_a_header_without_what_would_end_it() {
        assert_eq!(
            disposition("grüße \"1\".txt"),
            "attachment; filename*=UTF-8''gr%C3%BC%C3%9Fe%20%221%22.txt"
        );
    }
}
