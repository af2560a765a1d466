//! A connection, whatever carries it: to the client it is a stream and a sink of messages.
//!
//! Owns opening one under one deadline, and the choice of transport. What travels is the dialect's.

use std::{
    net::Ipv4Addr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{Sink, SinkExt, Stream, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

pub(crate) use crate::wire::road::{host_and_port, source_address};
use crate::wire::{
    http::{LARGEST_ANSWER, Line},
    polling::Polling,
    road::Road,
    transport::Transport,
    upgrade::{Progress, Upgrading},
};

pub(super) type WebSocket = WebSocketStream<TcpStream>;

pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);
/// The library takes 128 KiB by default, at once, for every socket.
const READ_BUFFER: usize = 4 * 1024;
/// How the url of a Socket.IO connection names its transport; polling says the same in its own words.
const BY_WEBSOCKET: &str = "&transport=websocket";

/// A standing connection. Text goes in and out; a polling session has no control frames, and its end is the stream's.
pub(crate) struct Socket(Carrier);

enum Carrier {
    WebSocket(Box<WebSocket>),
    Polling(Box<Polling>),
    Upgrading(Box<Upgrading>),
}

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

/// Connects to `address`, by way of `transport`; the handshake asks for `url`.
pub(crate) async fn open(
    address: &str,
    source: Option<Ipv4Addr>,
    url: &str,
    transport: Transport,
) -> Result<Socket, OpenError> {
    let road = Road { address: address.to_owned(), source };
    let opening = async {
        let carrier = match transport {
            Transport::WebSocket => Carrier::WebSocket(Box::new(websocket(&road, url).await?)),
            Transport::Polling => Carrier::Polling(Box::new(poll(road, url).await?)),
            Transport::Upgrade => match poll(road, url).await? {
                polling if polling.can_upgrade() => Carrier::Upgrading(Box::new(Upgrading::new(polling))),
                polling => Carrier::Polling(Box::new(polling)),
            },
        };
        Ok(Socket(carrier))
    };
    timeout(HANDSHAKE, opening).await.unwrap_or(Err(OpenError::Timeout))
}

async fn poll(road: Road, url: &str) -> Result<Polling, OpenError> {
    let path = url.strip_prefix("ws://").and_then(|rest| rest.strip_prefix(&*road.address));
    let path = path.and_then(|path| path.strip_suffix(BY_WEBSOCKET)).ok_or(OpenError::Handshake)?;
    let (line, path) = (Line::open(&road).await.map_err(|_| OpenError::Connect)?, path.to_owned());
    Polling::open(road, path, line).await.map_err(|_| OpenError::Handshake)
}

pub(super) async fn websocket(
    road: &Road,
    request: impl IntoClientRequest + Unpin,
) -> Result<WebSocket, OpenError> {
    let stream = road.connect().await.map_err(|_| OpenError::Connect)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(READ_BUFFER)
        .max_message_size(Some(LARGEST_ANSWER))
        .max_frame_size(Some(LARGEST_ANSWER));
    let opened = client_async_with_config(request, stream, Some(config)).await;
    opened.map(|(socket, _)| socket).map_err(|_| OpenError::Handshake)
}

impl Socket {
    /// Says goodbye in the words of the transport.
    pub(crate) async fn close(&mut self, frame: Option<CloseFrame>) -> Result<(), Error> {
        match &mut self.0 {
            Carrier::WebSocket(socket) => return (**socket).close(frame).await,
            Carrier::Polling(polling) => polling.close(),
            Carrier::Upgrading(upgrading) => upgrading.polling.close(),
        }
        self.flush().await
    }
}

impl Stream for Socket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let upgrading = match &mut self.0 {
                Carrier::WebSocket(socket) => return socket.poll_next_unpin(context),
                Carrier::Polling(polling) => {
                    return polling.poll_packet(context).map(|packet| packet.map(message));
                }
                Carrier::Upgrading(upgrading) => upgrading,
            };
            match ready!(upgrading.poll_progress(context)) {
                Progress::Packet(packet) => return Poll::Ready(Some(message(packet))),
                Progress::Ended => return Poll::Ready(None),
                Progress::Failed(error) => return Poll::Ready(Some(Err(error))),
                Progress::Done(socket) => self.0 = Carrier::WebSocket(Box::new(socket)),
            }
        }
    }
}

fn message(packet: std::io::Result<String>) -> Result<Message, Error> {
    packet.map(Message::text).map_err(Error::Io)
}

impl Sink<Message> for Socket {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &mut self.0 {
            Carrier::WebSocket(socket) => socket.poll_ready_unpin(context),
            Carrier::Polling(polling) => ready_by_polling(polling, context),
            Carrier::Upgrading(upgrading) => ready_by_polling(&mut upgrading.polling, context),
        }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let polling = match &mut self.0 {
            Carrier::WebSocket(socket) => return socket.start_send_unpin(message),
            Carrier::Polling(polling) => polling,
            Carrier::Upgrading(upgrading) => &mut upgrading.polling,
        };
        // Packets are text; there is nothing else to say by HTTP.
        if let Message::Text(text) = message {
            polling.push(text.as_str().to_owned());
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &mut self.0 {
            Carrier::WebSocket(socket) => socket.poll_flush_unpin(context),
            Carrier::Polling(polling) => polling.poll_flush(context).map_err(Error::Io),
            Carrier::Upgrading(upgrading) => upgrading.polling.poll_flush(context).map_err(Error::Io),
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &mut self.0 {
            Carrier::WebSocket(socket) => socket.poll_close_unpin(context),
            Carrier::Polling(_) | Carrier::Upgrading(_) => self.poll_flush(context),
        }
    }
}

fn ready_by_polling(polling: &mut Polling, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
    if polling.wants_flush() { polling.poll_flush(context).map_err(Error::Io) } else { Poll::Ready(Ok(())) }
}
