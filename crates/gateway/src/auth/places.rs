//! Where a token stands in a request.
//!
//! Invariant: the first place that holds anything decides; a bad token there is not healed by a good
//! one further down.

use axum::extract::Query;
use axum::http::{HeaderMap, Uri, header};

/// The subprotocol that carries a token as its neighbour: `hubbub.bearer, <jwt>`.
pub(crate) const BEARER_PROTOCOL: &str = "hubbub.bearer";

/// Which place held it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `Authorization: Bearer`.
    Header,
    /// Query parameter `token`.
    Query,
    /// The configured cookie: the only place that a foreign page can fill, hence the origin rule.
    Cookie,
    /// Behind [`BEARER_PROTOCOL`] in `Sec-WebSocket-Protocol`.
    Protocol,
}

/// A token as it was found, not verified.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    /// The token.
    pub(crate) token: String,
    /// Where it stood.
    pub(crate) place: Place,
}

/// The credential of a request, if it has one.
pub(super) fn find(headers: &HeaderMap, uri: &Uri, cookie: &str) -> Option<Credential> {
    let at = |place| move |token| Credential { token, place };
    (bearer(headers).map(at(Place::Header)))
        .or_else(|| query(uri).map(at(Place::Query)))
        .or_else(|| in_cookie(headers, cookie).map(at(Place::Cookie)))
        .or_else(|| protocol(headers).map(at(Place::Protocol)))
}

/// Whether the client offers [`BEARER_PROTOCOL`]: then it must be answered with it, or browsers hang up.
pub(crate) fn offers_bearer(headers: &HeaderMap) -> bool {
    protocols(headers).any(|protocol| protocol == BEARER_PROTOCOL)
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| some(token))?
}

fn query(uri: &Uri) -> Option<String> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    pairs.iter().filter(|(name, _)| name == "token").find_map(|(_, token)| some(token))
}

fn in_cookie(headers: &HeaderMap, cookie: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| name.trim() == cookie)
        .find_map(|(_, value)| some(value.trim().trim_matches('"')))
}

fn protocol(headers: &HeaderMap) -> Option<String> {
    protocols(headers).skip_while(|protocol| *protocol != BEARER_PROTOCOL).nth(1).and_then(some)
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    type Lines<'a> = &'a [(&'a str, &'a str)];

    fn found(uri: &str, lines: Lines<'_>) -> Option<(String, Place)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        find(&headers, &uri.parse().unwrap(), "token").map(|found| (found.token, found.place))
    }

    #[test]
    fn each_place_is_found() {
        let table: [(&str, Lines<'_>, &str, Place); 8] = [
            ("/", &[("authorization", "Bearer a")], "a", Place::Header),
            ("/", &[("authorization", "bearer  a")], "a", Place::Header),
            ("/?x=1&token=b", &[], "b", Place::Query),
            ("/?token=&token=%62", &[], "b", Place::Query),
            ("/", &[("cookie", "x=1; token=c")], "c", Place::Cookie),
            ("/", &[("cookie", "x=1"), ("cookie", "token=\"c\"")], "c", Place::Cookie),
            ("/", &[("sec-websocket-protocol", "hubbub.bearer, d")], "d", Place::Protocol),
            (
                "/",
                &[("sec-websocket-protocol", "hubbub.bearer"), ("sec-websocket-protocol", "d")],
                "d",
                Place::Protocol,
            ),
        ];
        for (uri, lines, token, place) in table {
            assert_eq!(found(uri, lines), Some((token.to_owned(), place)), "{uri} {lines:?}");
        }
    }

    #[test]
    fn the_first_place_that_holds_anything_decides() {
        let all = [
            ("authorization", "Bearer a"),
            ("cookie", "token=c"),
            ("sec-websocket-protocol", "hubbub.bearer, d"),
        ];
        assert_eq!(found("/?token=b", &all).unwrap().1, Place::Header);
        assert_eq!(found("/?token=b", &all[1..]).unwrap().1, Place::Query);
        assert_eq!(found("/?token=", &all[1..]).unwrap().1, Place::Cookie);
        assert_eq!(found("/", &all[2..]).unwrap().1, Place::Protocol);
    }

    #[test]
    fn what_holds_nothing_is_passed_over() {
        let table: [(&str, Lines<'_>); 6] = [
            ("/", &[]),
            ("/?token=", &[("authorization", "Bearer ")]),
            ("/?tokens=a", &[("authorization", "Basic YTpi")]),
            ("/", &[("cookie", "mytoken=c; token=")]),
            ("/", &[("sec-websocket-protocol", "hubbub.bearer")]),
            ("/", &[("sec-websocket-protocol", "chat, d")]),
        ];
        for (uri, lines) in table {
            assert_eq!(found(uri, lines), None, "{uri} {lines:?}");
        }
    }
}
