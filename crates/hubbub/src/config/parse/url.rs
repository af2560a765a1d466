//! URLs of services, and how they are shown without the password in them.
//!
//! Invariant: `Debug` and `Display` of a [`ServiceUrl`] never show a password, even of one that did not parse.

use std::fmt;

use crate::config::mistake::Unfit;
use crate::config::secret::MASK;

/// The URL of a service. It may carry a password and is therefore shown masked.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl(String);

impl ServiceUrl {
    /// The whole URL, for the one who connects with it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The part before `://`.
    pub fn scheme(&self) -> &str {
        self.0.split("://").next().unwrap_or_default()
    }

    /// Host and port (or the file), to be named in messages.
    pub fn address(&self) -> &str {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        if self.scheme() == "sqlite" {
            return rest.split('?').next().unwrap_or(rest);
        }
        host(authority(rest))
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&mask(&self.0))
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&mask(&self.0))
    }
}

/// A URL with one of these schemes. Only what every service needs is checked here; the client library that connects
/// judges the rest.
pub(crate) fn parse(text: &str, schemes: &[&str]) -> Result<ServiceUrl, Unfit> {
    let unfit = || Unfit::expects(format!("a URL that begins with {}", begins(schemes)));
    let (scheme, rest) = text.split_once("://").ok_or_else(unfit)?;
    if !schemes.contains(&scheme) {
        return Err(unfit());
    }
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(Unfit::expects("a URL without spaces"));
    }
    if scheme == "sqlite" {
        return file(rest).then(|| ServiceUrl(text.to_owned())).ok_or(Unfit::expects("sqlite://FILE"));
    }
    if !host_fits(host(authority(rest))) {
        return Err(Unfit::expects("a URL with a host and, where given, a port between 1 and 65535"));
    }
    Ok(ServiceUrl(text.to_owned()))
}

/// The text with every password in it replaced, whether or not it is a proper URL: a mistyped URL is shown too.
pub(crate) fn mask(text: &str) -> String {
    // A password may hold an unescaped `?` or `/`, so the last `@` of the whole text decides where it ends.
    let Some(at) = text.rfind('@') else {
        return mask_query(text);
    };
    let start = text.find("://").map_or(0, |colon| colon + 3).min(at);
    let user = text[start..at].split_once(':').map_or("", |(user, _)| user);
    let separator = if user.is_empty() { "" } else { ":" };
    format!("{}{user}{separator}{MASK}{}", &text[..start], mask_query(&text[at..]))
}

/// The text with the value of every `name=value` whose name tells of a secret replaced.
fn mask_query(text: &str) -> String {
    let mask_one = |piece: &str| match piece.split_once('=') {
        Some((name, value)) if tells_secret(name) => {
            let end = value.chars().last().filter(|last| matches!(last, '?' | '&'));
            format!("{name}={MASK}{}", end.map(String::from).unwrap_or_default())
        }
        _ => piece.to_owned(),
    };
    text.split_inclusive(['?', '&']).map(mask_one).collect()
}

fn tells_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "secret", "token", "key"].iter().any(|word| name.contains(word))
}

fn begins(schemes: &[&str]) -> String {
    schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ")
}

fn file(rest: &str) -> bool {
    !rest.is_empty() && !rest.starts_with('?')
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn host(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or(authority)
}

/// One host or several behind commas, each with or without a port.
fn host_fits(hosts: &str) -> bool {
    hosts.split(',').all(|host| {
        let end = host.rfind(']').map_or(0, |bracket| bracket + 1);
        let (name, port) = match host[end..].split_once(':') {
            Some((name, port)) => (&host[..end + name.len()], Some(port)),
            None => (host, None),
        };
        !name.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMES: [&str; 3] = ["redis", "postgres", "sqlite"];

    #[test]
    fn a_url_needs_a_known_scheme_and_a_host() {
        for (text, fits) in [
            ("redis://127.0.0.1:6379", true),
            ("redis://127.0.0.1:6379/2", true),
            ("redis://:p%40ss@[::1]:6379", true),
            ("redis://a:1,b:2", true),
            ("postgres://hubbub@db/hubbub", true),
            ("sqlite:///var/lib/hubbub.db", true),
            ("sqlite://hubbub.db", true),
            ("", false),
            ("127.0.0.1:6379", false),
            ("http://127.0.0.1:6379", false),
            ("redis://", false),
            ("redis:///0", false),
            ("redis://:6379", false),
            ("redis://host:port", false),
            ("redis://host:0", false),
            ("redis://host:65536", false),
            ("redis://host name", false),
            ("sqlite://", false),
        ] {
            assert_eq!(parse(text, &SCHEMES).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        for (text, shown) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("redis://:hunter2@h:1/0", "redis://***@h:1/0"),
            ("redis://hunter2@h:1", "redis://***@h:1"),
            ("postgres://app:hunter2@h/db", "postgres://app:***@h/db"),
            ("postgres://app:hun/ter?2@h/db", "postgres://app:***@h/db"),
            ("postgres://app:hun@ter2@h/db", "postgres://app:***@h/db"),
            (
                "postgres://h/db?sslmode=require&password=hunter2",
                "postgres://h/db?sslmode=require&password=***",
            ),
            ("redis-sentinel://:a@h?sentinelPassword=hunter2", "redis-sentinel://***@h?sentinelPassword=***"),
            ("postgres://h/db?password=hunter2&x=a", "postgres://h/db?password=***&x=a"),
            ("postgres://app:pw@h/db?x=a@b&password=hunter2", "postgres://app:***@b&password=***"),
            ("app:hunter2@h", "app:***@h"),
        ] {
            assert_eq!(mask(text), shown);
        }
    }

    #[test]
    fn a_service_url_names_its_address_without_the_password() {
        for (text, address) in [
            ("redis://:hunter2@127.0.0.1:6379/0", "127.0.0.1:6379"),
            ("postgres://app@db.internal/hubbub?sslmode=require", "db.internal"),
            ("sqlite:///var/lib/hubbub.db?mode=rwc", "/var/lib/hubbub.db"),
        ] {
            let url = parse(text, &SCHEMES).unwrap();
            assert_eq!(url.address(), address);
            assert!(!format!("{url} {url:?}").contains("hunter2"));
            assert_eq!(url.expose(), text);
        }
    }
}
