//! Web origins as browsers write them: `https://chat.example.org`, `http://localhost:3000`.

use crate::config::mistake::Unfit;

/// An origin in the form in which a browser sends it: lower case, no path, no default port. `*` is refused: these
/// origins may send the user's cookie, and "everyone" is exactly who must not.
pub(crate) fn parse(text: &str) -> Result<String, Unfit> {
    origin(&text.to_ascii_lowercase()).ok_or_else(|| {
        Unfit::expects("origins such as \"https://chat.example.org\", without a path and never \"*\"")
    })
}

fn origin(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = rest.strip_suffix('/').unwrap_or(rest);
    let host = host.strip_suffix(default_port).unwrap_or(host);
    let fits =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | ':' | '[' | ']' | '_');
    if host.is_empty() || host.starts_with(':') || !host.chars().all(fits) || !port_fits(host) {
        return None;
    }
    Some(format!("{scheme}://{host}"))
}

fn port_fits(host: &str) -> bool {
    let after_brackets = host.rsplit(']').next().unwrap_or(host);
    match after_brackets.split_once(':') {
        Some((_, port)) => port.parse::<u16>().is_ok(),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_kept_as_browsers_write_them() {
        for (text, expected) in [
            ("https://chat.example.org", Some("https://chat.example.org")),
            ("https://Chat.Example.org:443/", Some("https://chat.example.org")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("http://localhost:80", Some("http://localhost")),
            ("", None),
            ("*", None),
            ("null", None),
            ("https://*", None),
            ("https://*.example.org", None),
            ("https://", None),
            ("https://:80", None),
            ("https://example.org/path", None),
            ("https://example.org:port", None),
            ("https://example.org:70000", None),
            ("ftp://example.org", None),
            ("example.org", None),
        ] {
            assert_eq!(parse(text).ok().as_deref(), expected, "{text}");
        }
    }
}
