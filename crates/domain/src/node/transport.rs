//! What a session needs of a connection, whatever carries it: a WebSocket, or long polling.

use std::future::Future;

use bytes::Bytes;

use crate::words::CloseReason;

/// The peer is gone; nothing can be sent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// One whole message, text or binary alike. It may be a slice of the read buffer: copy before keeping.
    Frame(Bytes),
    /// A sign of life without content.
    Alive,
    /// The answer to a ping of ours: everything that was fed before it has arrived.
    Answered,
    /// A message above the limit; the transport can read no further.
    TooLarge,
    /// The client said that it leaves; it will not come back to where it stood.
    Goodbye,
    /// The peer is gone or broke the transport's own rules, which the transport has answered itself.
    Gone,
}

/// One client's connection. One task owns it; nothing else touches it (invariant 6).
pub trait Transport: Send {
    /// The next thing that comes in. Cancel-safe: dropping the future loses nothing.
    fn receive(&mut self) -> impl Future<Output = Inbound> + Send;

    /// Puts a text frame (valid UTF-8) into the write buffer; may write when the buffer is full.
    fn feed(&mut self, frame: Bytes) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Writes the buffer out.
    fn flush(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Sends the transport's own ping.
    fn ping(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Says goodbye with code and reason, and gives the peer a moment to answer. The transport is dropped next.
    fn close(&mut self, reason: CloseReason) -> impl Future<Output = ()> + Send;
}
