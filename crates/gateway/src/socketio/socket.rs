//! One client in the main namespace, as the domain's `Transport`.
//!
//! Owns how a client of this protocol is told that it is refused, or that it is over. Invariants: a client
//! that shall come back is never sent DISCONNECT, after which it would stay away; `close` returns within
//! about two seconds.

use std::time::Duration;

use bytes::Bytes;
use domain::node::{Gone, Inbound, Transport};
use domain::words::CloseReason;
use serde_json::json;
use tokio::time::timeout;
use wire::socketio::packet::{Kind, Packet};

use super::link::{Heard, Link};

/// How long the last words may take; the goodbye has its own time.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a refused client has to close by itself.
const UNDERSTANDING: Duration = Duration::from_secs(5);
/// How the answer to CONNECT begins.
const WELCOME: &[u8] = b"40";

/// One client, from its CONNECT on. What is fed is the text of a whole Engine.IO packet, the `4` included.
pub struct Socket {
    link: Link,
    /// The answer to CONNECT was fed: the client knows that it is in.
    is_welcome: bool,
}

impl Socket {
    pub(super) fn new(link: Link) -> Self {
        Self { link, is_welcome: false }
    }

    /// Waits until the client has gone, whatever else it says.
    async fn gone(&mut self) {
        while !matches!(self.link.receive().await, Heard::Gone | Heard::TooLarge) {}
    }

    async fn say(&mut self, reason: CloseReason) -> Result<(), Gone> {
        for packet in last_words(reason, self.is_welcome) {
            self.link.feed(packet).await?;
        }
        self.link.flush().await
    }
}

impl Transport for Socket {
    async fn receive(&mut self) -> Inbound {
        match self.link.receive().await {
            Heard::Event { packet, .. } => Inbound::Frame(packet),
            Heard::Connect { .. } | Heard::Alive => Inbound::Alive,
            Heard::Pong => Inbound::Answered,
            Heard::TooLarge => Inbound::TooLarge,
            Heard::Disconnect { .. } => Inbound::Goodbye,
            Heard::Gone => Inbound::Gone,
        }
    }

    async fn feed(&mut self, frame: Bytes) -> Result<(), Gone> {
        self.is_welcome = self.is_welcome || frame.starts_with(WELCOME);
        self.link.feed(frame).await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.link.flush().await
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        self.link.ping().await
    }

    async fn close(&mut self, reason: CloseReason) {
        // A client that is gone, or does not read, is closed all the same.
        let said = timeout(LAST_WORDS, self.say(reason)).await;
        if !self.is_welcome && matches!(said, Ok(Ok(()))) && is_refusal(reason) {
            // A refused client closes by itself; closed by us at once, it may miss why.
            let _ = timeout(UNDERSTANDING, self.gone()).await;
        }
        self.link.close(reason.code(), reason.as_str()).await;
    }
}

/// Whether a client that is not in yet is told to stay away.
fn is_refusal(reason: CloseReason) -> bool {
    reason.is_terminal() || matches!(reason, CloseReason::BadToken(_))
}

/// What a client is told before its transport is closed.
fn last_words(reason: CloseReason, is_welcome: bool) -> Vec<Bytes> {
    let Some((code, message)) = words(reason) else { return Vec::new() };
    let packet = |kind, payload: &str| Bytes::from(format!("4{}", Packet::main(kind, payload)));
    if !is_welcome {
        // A refused client stays away. One that shall come back only loses its transport.
        if !is_refusal(reason) {
            return Vec::new();
        }
        // What a stock client shows first is the message: the stable word, except for a bad token, which has its own.
        let message = if matches!(reason, CloseReason::BadToken(_)) { message } else { code };
        let refusal = json!({"message": message, "data": {"code": code}});
        return vec![packet(Kind::ConnectError, &refusal.to_string())];
    }
    let error = json!(["error", {"code": code, "message": message}]);
    let mut said = vec![packet(Kind::Event, &error.to_string())];
    if reason.is_terminal() {
        said.push(packet(Kind::Disconnect, ""));
    }
    said
}

/// Code and message of an end; `None` where there is nobody to tell, or nothing new to say.
fn words(reason: CloseReason) -> Option<(&'static str, &'static str)> {
    let message = match reason {
        CloseReason::Normal => return None,
        CloseReason::BadToken(words) => return Some(("unauthorized", words)),
        CloseReason::FrameTooLarge => "the message is too large",
        CloseReason::Draining => "this node is going down",
        CloseReason::Unavailable => "a part of the server is away",
        CloseReason::SlowConsumer => "this client reads too slowly",
        CloseReason::PositionLost => "the place in a room is lost, join again",
        // The node has said so already, when the token's time was over.
        CloseReason::TokenExpired => return None,
        CloseReason::RateAbused => "commands kept coming after rate_limited",
        CloseReason::BadFrames => "too many bad messages",
        CloseReason::Kicked => "disconnected by an operator",
        CloseReason::TooManyConnections => "too many connections",
        CloseReason::Silent => "nothing was heard for too long",
    };
    Some((reason.as_str(), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reason: CloseReason, is_welcome: bool) -> Vec<String> {
        let said = last_words(reason, is_welcome);
        said.iter().map(|packet| String::from_utf8(packet.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_refused_client_is_told_why_in_the_answer_to_its_connect() {
        assert_eq!(
            told(CloseReason::BadToken("Authentication error"), false),
            [r#"44{"data":{"code":"unauthorized"},"message":"Authentication error"}"#]
        );
        assert_eq!(
            told(CloseReason::TooManyConnections, false),
            [r#"44{"data":{"code":"too_many_connections"},"message":"too_many_connections"}"#]
        );
    }

    #[test]
    fn a_client_that_shall_come_back_is_never_told_to_stay_away() {
        use CloseReason as R;
        for reason in
            [R::Draining, R::SlowConsumer, R::PositionLost, R::TokenExpired, R::RateAbused, R::Silent]
        {
            assert_eq!(told(reason, false), [""; 0], "{reason:?}");
            assert!(told(reason, true).iter().all(|said| said.starts_with("42[\"error\",")), "{reason:?}");
        }
    }

    #[test]
    fn a_client_that_shall_stay_away_hears_an_error_and_then_disconnect() {
        for reason in [CloseReason::Kicked, CloseReason::BadFrames, CloseReason::TooManyConnections] {
            let said = told(reason, true);
            assert!(said[0].starts_with("42[\"error\",{") && said[0].contains(reason.as_str()), "{said:?}");
            assert_eq!(said[1..], ["41"]);
        }
    }

    #[test]
    fn nobody_is_told_that_a_client_went_by_itself() {
        assert_eq!(told(CloseReason::Normal, true), [""; 0]);
        assert_eq!(told(CloseReason::Normal, false), [""; 0]);
    }
}
