//! Networks in CIDR notation: `10.0.0.0/8`, `fd00::/8`, or a single address.

use std::fmt;
use std::net::IpAddr;

use crate::config::mistake::Unfit;

/// A network: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its first address.
    pub address: IpAddr,
    /// Leading bits that count: 0 to 32, or 0 to 128.
    pub prefix: u8,
}

impl Network {
    /// Whether an address lies in it. An IPv4 address that arrived on an IPv6 socket counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.address.is_ipv4() == address.is_ipv4() && first(address, self.prefix) == bits(self.address)
    }

    /// Whether it holds every address of its family.
    pub fn is_everything(&self) -> bool {
        self.prefix == 0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

/// A network. One whose address has bits beyond the prefix is refused: `10.0.0.5/8` is a slip in one of the two.
pub(crate) fn parse(text: &str) -> Result<Network, Unfit> {
    let network = split(text).ok_or_else(|| {
        Unfit::expects("networks such as \"10.0.0.0/8\", \"fd00::/8\" or a single IP address")
    })?;
    if first(network.address, network.prefix) == bits(network.address) {
        Ok(network)
    } else {
        Err(Unfit::expects("networks whose address ends where the prefix ends, such as \"10.0.0.0/8\""))
    }
}

fn split(text: &str) -> Option<Network> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(prefix.parse::<u8>().ok()?)),
        None => (text.parse::<IpAddr>().ok()?, None),
    };
    let whole = width(address);
    let prefix = prefix.unwrap_or(whole);
    (prefix <= whole).then_some(Network { address, prefix })
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address with everything behind the prefix cleared.
fn first(address: IpAddr, prefix: u8) -> u128 {
    let behind = u32::from(width(address).saturating_sub(prefix));
    bits(address).checked_shr(behind).and_then(|head| head.checked_shl(behind)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_an_address_and_a_prefix() {
        for (text, expected) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("127.0.0.1", Some("127.0.0.1/32")),
            ("::1", Some("::1/128")),
            ("fd00::/8", Some("fd00::/8")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("::/0", Some("::/0")),
            ("10.0.0.5/8", None),
            ("10.0.0.0/33", None),
            ("10.0.0.0/", None),
            ("10.0.0/8", None),
            ("example.org", None),
            ("", None),
        ] {
            assert_eq!(parse(text).ok().map(|network| network.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_network_contains_what_shares_its_leading_bits() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("fd00::/8", "fdff::1", true),
            ("::/0", "2001:db8::1", true),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(parse(network).unwrap().contains(address), inside, "{network} {address}");
        }
    }
}
