//! Opens one connection: source address, TCP_NODELAY, WebSocket handshake, all under one deadline.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    net::{TcpSocket, TcpStream, lookup_host},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite::protocol::WebSocketConfig};

pub(crate) type Socket = WebSocketStream<TcpStream>;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// The library takes 128 KiB by default, at once, for every socket.
const READ_BUFFER: usize = 4 * 1024;
/// A page of history is at most 256 KiB; anything far above that is a server gone wrong.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// Why there is no connection; the words are the error codes of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenError {
    Connect,
    Handshake,
    Timeout,
}

impl OpenError {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Timeout => "connect timeout",
        }
    }
}

/// Connects to `address`; the handshake asks for `url`.
pub(crate) async fn open(address: &str, source: Option<Ipv4Addr>, url: &str) -> Result<Socket, OpenError> {
    timeout(HANDSHAKE, open_patiently(address, source, url)).await.unwrap_or(Err(OpenError::Timeout))
}

async fn open_patiently(address: &str, source: Option<Ipv4Addr>, url: &str) -> Result<Socket, OpenError> {
    let stream = connect(address, source).await.map_err(|_| OpenError::Connect)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(READ_BUFFER)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    let (socket, _) =
        client_async_with_config(url, stream, Some(config)).await.map_err(|_| OpenError::Handshake)?;
    Ok(socket)
}

async fn connect(address: &str, source: Option<Ipv4Addr>) -> std::io::Result<TcpStream> {
    let target = lookup_host(address).await?.next().ok_or(std::io::ErrorKind::NotFound)?;
    let socket = match target {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let (Some(source), SocketAddr::V4(_)) = (source, target) {
        socket.bind(SocketAddr::new(IpAddr::V4(source), 0))?;
    }
    socket.set_nodelay(true)?;
    socket.connect(target).await
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
