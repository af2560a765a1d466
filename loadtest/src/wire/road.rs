//! The way to a server: its address, and the source address that a client comes from.
//!
//! Owns plain TCP: loopback sources, TCP_NODELAY. What travels on it is `http.rs` and `connection.rs`. Whoever connects
//! sets the deadline.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// Where to, and where from.
#[derive(Debug, Clone)]
pub(super) struct Road {
    /// `host:port`.
    pub(super) address: String,
    /// Absent: the system chooses.
    pub(super) source: Option<Ipv4Addr>,
}

impl Road {
    pub(super) async fn connect(&self) -> std::io::Result<TcpStream> {
        let target = lookup_host(&self.address).await?.next().ok_or(std::io::ErrorKind::NotFound)?;
        let socket = match target {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let (Some(source), SocketAddr::V4(_)) = (self.source, target) {
            socket.bind(SocketAddr::new(IpAddr::V4(source), 0))?;
        }
        socket.set_nodelay(true)?;
        socket.connect(target).await
    }
}

/// The source address of one user when `count` of them share the load; 0 leaves it to the system.
pub(crate) fn source_address(count: u8, user: usize) -> Option<Ipv4Addr> {
    let step = user.checked_rem(usize::from(count))?;
    let last = u8::try_from(step + 2).unwrap_or(u8::MAX);
    Some(Ipv4Addr::new(127, 0, 0, last))
}

/// `host:port` out of `host:port`, `ws://host:port/` or `http://host:port`.
pub(crate) fn host_and_port(target: &str) -> Result<String, String> {
    let plain = target.strip_prefix("ws://").or_else(|| target.strip_prefix("http://")).unwrap_or(target);
    let plain = plain.trim_end_matches('/');
    if plain.contains("://") || plain.contains('/') {
        return Err(format!("`{target}` is not host:port, ws://host:port or http://host:port"));
    }
    let port = plain.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    port.map(|_| plain.to_owned()).ok_or_else(|| format!("`{target}` has no port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_with_or_without_a_plain_scheme() {
        for target in ["127.0.0.1:8080", "ws://127.0.0.1:8080/", "http://127.0.0.1:8080"] {
            assert_eq!(host_and_port(target).as_deref(), Ok("127.0.0.1:8080"));
        }
        for target in ["127.0.0.1", "wss://a:1", "a:b", "a:1/path", ""] {
            assert!(host_and_port(target).is_err(), "{target}");
        }
    }

    #[test]
    fn users_are_spread_over_the_source_addresses() {
        assert_eq!(source_address(0, 5), None);
        assert_eq!(source_address(3, 4), Some(Ipv4Addr::new(127, 0, 0, 3)));
    }
}
