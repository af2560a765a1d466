//! Whose `X-Forwarded-*` headers are believed: those of peers inside the configured networks, nobody else's.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use super::AuthError;

/// An address range in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// `10.0.0.0/8`, `fd00::/8`, or one address.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        let wrong = || AuthError::Network(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(widest), |prefix| prefix.trim().parse()).map_err(|_| wrong())?;
        if prefix > widest { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }

    /// Whether `address` lies inside. An IPv4 address that came over IPv6 is judged as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let rest = 32 - u32::from(self.prefix);
                u64::from(ours.to_bits()) >> rest == u64::from(theirs.to_bits()) >> rest
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let rest = 128 - u32::from(self.prefix);
                let cut = |bits: u128| bits.checked_shr(rest).unwrap_or(0);
                cut(ours.to_bits()) == cut(theirs.to_bits())
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Whether this peer's word about the original request counts.
pub(super) fn is_trusted(peer: SocketAddr, proxies: &[Network]) -> bool {
    proxies.iter().any(|network| network.contains(peer.ip()))
}

/// The client's own address, for logs: the last one in `X-Forwarded-For` that no trusted proxy has.
pub(super) fn client(headers: &HeaderMap, peer: SocketAddr, proxies: &[Network]) -> IpAddr {
    let outside = |address: IpAddr| !proxies.iter().any(|network| network.contains(address));
    let peer = peer.ip().to_canonical();
    if outside(peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev().filter_map(|line| line.to_str().ok());
    let hops = lines.flat_map(|line| line.rsplit(',')).map_while(|hop| hop.trim().parse().ok());
    hops.into_iter().find(|hop| outside(*hop)).unwrap_or(peer)
}

/// The first value of a forwarded header: what the client itself used.
pub(super) fn forwarded<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.split(',').next()?.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("10.0.0.0/8", "::ffff:10.1.1.1", "::1"),
            ("fd00::/8", "fd12::1", "fe80::1"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("::/0", "fe80::1", "8.8.8.8"),
        ] {
            let network = Network::parse(network).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network:?} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network:?} {outside}");
        }
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_no_proxy_of_ours() {
        let proxies = [Network::parse("10.0.0.0/8").unwrap()];
        for (peer, hops, expected) in [
            ("192.0.2.1:1", "1.1.1.1", "192.0.2.1"),
            ("10.0.0.1:1", "1.1.1.1, 192.0.2.9, 10.0.0.2", "192.0.2.9"),
            ("10.0.0.1:1", "192.0.2.9, nonsense", "10.0.0.1"),
            ("10.0.0.1:1", "", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", hops.parse().unwrap());
            let expected: IpAddr = expected.parse().unwrap();
            assert_eq!(client(&headers, peer.parse().unwrap(), &proxies), expected, "{peer} {hops}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0.0/x", "::/129", "10.0.0/8"] {
            assert!(Network::parse(text).is_err(), "{text:?}");
        }
    }
}
