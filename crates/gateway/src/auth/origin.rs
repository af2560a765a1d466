//! Which pages may use a cookie: those of our own origin, and those on the list.
//!
//! A cookie is sent by the browser whatever page asked (cross-site WebSocket hijacking); every other
//! place is filled by a page that knows the token already. Invariant: in doubt an origin is foreign.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Uri, header};

use super::proxy::{forwarded, is_trusted};
use super::{AuthError, Network};

/// Scheme, host and port, in lower case and with the port written out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Self::of(scheme, authority)
    }

    fn of(scheme: &str, authority: &str) -> Option<Self> {
        let scheme = scheme.to_ascii_lowercase();
        let default = match scheme.as_str() {
            "http" | "ws" => 80,
            "https" | "wss" => 443,
            _ => return None,
        };
        let authority: axum::http::uri::Authority = authority.parse().ok()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let port = match authority.port() {
            Some(port) => port.as_str().parse().ok()?,
            None => default,
        };
        Some(Self { scheme, host: authority.host().to_ascii_lowercase(), port })
    }
}

/// The configured foreign origins.
pub(super) struct Origins {
    listed: Vec<Origin>,
}

impl Origins {
    pub(super) fn parse(list: &[String]) -> Result<Self, AuthError> {
        let listed = list.iter().map(|text| {
            Origin::parse(text.trim_end_matches('/')).ok_or_else(|| AuthError::Origin(text.clone()))
        });
        Ok(Self { listed: listed.collect::<Result<_, _>>()? })
    }

    /// Whether this origin is on the list.
    pub(super) fn lists(&self, origin: &str) -> bool {
        Origin::parse(origin).is_some_and(|origin| self.listed.contains(&origin))
    }

    /// Whether a request that lives from a cookie may come from where it says it comes from.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        peer: SocketAddr,
        proxies: &[Network],
    ) -> bool {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let (origin, more) = (values.next(), values.next().is_some());
        let Some(origin) = origin else {
            return true;
        };
        let Some(origin) = origin.to_str().ok().filter(|_| !more) else {
            return false;
        };
        let Some(theirs) = Origin::parse(origin) else {
            return false;
        };
        self.listed.contains(&theirs) || own(headers, uri, peer, proxies).is_some_and(|ours| ours == theirs)
    }
}

/// Our own origin as the client sees it. We speak plain HTTP; only a trusted proxy knows of more.
fn own(headers: &HeaderMap, uri: &Uri, peer: SocketAddr, proxies: &[Network]) -> Option<Origin> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
    if !is_trusted(peer, proxies) {
        return Origin::of("http", host?);
    }
    let scheme = forwarded(headers, "x-forwarded-proto").unwrap_or("http");
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "wss" | "https" => "https",
        _ => "http",
    };
    Origin::of(scheme, forwarded(headers, "x-forwarded-host").or(host)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(lines: &[(&'static str, &str)]) -> bool {
        let origins = Origins::parse(&["https://app.example".to_owned()]).unwrap();
        let proxies = [Network::parse("10.0.0.0/8").unwrap()];
        let mut headers = HeaderMap::new();
        let mut peer = "192.0.2.1:5000";
        for (name, value) in lines {
            match *name {
                "from-proxy" => peer = "10.1.1.1:5000",
                name => {
                    headers.append(name, value.parse().unwrap());
                }
            }
        }
        origins.admit(&headers, &Uri::from_static("/"), peer.parse().unwrap(), &proxies)
    }

    #[test]
    fn no_origin_our_own_and_listed_ones_pass() {
        let table: [&[(&'static str, &str)]; 9] = [
            &[("host", "chat.example")],
            &[("host", "chat.example:8080"), ("origin", "http://chat.example:8080")],
            &[("host", "Chat.Example"), ("origin", "http://chat.example")],
            &[("host", "chat.example:80"), ("origin", "http://chat.example")],
            &[("host", "[::1]:8080"), ("origin", "http://[::1]:8080")],
            &[("host", "chat.example"), ("origin", "https://app.example")],
            &[("host", "chat.example"), ("origin", "https://app.example:443")],
            &[
                ("from-proxy", ""),
                ("host", "chat.example"),
                ("x-forwarded-proto", "https"),
                ("origin", "https://chat.example"),
            ],
            &[
                ("from-proxy", ""),
                ("host", "10.0.0.5:8080"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "chat.example"),
                ("origin", "https://chat.example"),
            ],
        ];
        for lines in table {
            assert!(admits(lines), "{lines:?}");
        }
    }

    #[test]
    fn everything_else_is_foreign() {
        let host = ("host", "chat.example");
        let table: [&[(&'static str, &str)]; 10] = [
            &[host, ("origin", "null")],
            &[host, ("origin", "")],
            &[host, ("origin", "http://evil.example")],
            &[host, ("origin", "http://chat.example.evil.example")],
            &[host, ("origin", "http://chat.example@evil.example")],
            &[host, ("origin", "https://chat.example")],
            &[host, ("origin", "http://chat.example:8080")],
            &[host, ("origin", "http://app.example")],
            &[host, ("origin", "http://chat.example"), ("origin", "http://evil.example")],
            // Not from a trusted proxy: its word does not count.
            &[host, ("x-forwarded-host", "evil.example"), ("origin", "http://evil.example")],
        ];
        for lines in table {
            assert!(!admits(lines), "{lines:?}");
        }
    }

    #[test]
    fn a_list_with_something_else_than_origins_is_refused() {
        for text in ["app.example", "ftp://app.example", "https://", "https://a b"] {
            assert!(Origins::parse(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
