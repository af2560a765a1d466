//! `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.

use std::net::SocketAddr;

use crate::config::mistake::Unfit;

/// An address to listen on. Names other than `localhost` are not resolved: a listener that depends on a name
/// server starts on the wrong interface one day.
pub(crate) fn parse(text: &str) -> Result<SocketAddr, Unfit> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric
        .parse()
        .map_err(|_| Unfit::expects("an IP address and a port, such as 127.0.0.1:8080 or [::]:8080"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_and_a_port() {
        for (text, expected) in [
            ("127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("localhost:9090", Some("127.0.0.1:9090")),
            ("[::1]:0", Some("[::1]:0")),
            ("0.0.0.0:65535", Some("0.0.0.0:65535")),
            ("", None),
            ("127.0.0.1", None),
            (":8080", None),
            ("127.0.0.1:65536", None),
            ("::1:8080", None),
            ("chat.example.org:80", None),
            (" 127.0.0.1:80", None),
        ] {
            assert_eq!(parse(text).ok().map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }
}
