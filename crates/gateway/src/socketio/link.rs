//! Socket.IO packets over one Engine.IO session: which namespaces are joined, and what breaks the rules.
//!
//! Owns reassembly and the protocol's own answers. Owns no client and no payload. Invariants: only a packet
//! of a joined namespace comes through; memory for one client is bounded by one packet (with its attachments,
//! where those are wanted); what breaks the rules ends the session.

use bytes::Bytes;
use domain::node::Gone;
use wire::socketio::packet::{Kind, Packet};

use super::payload;
use crate::engineio::{Incoming, Session};

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A client wants to enter an offered namespace. It counts as joined; answer with CONNECT, or refuse and `leave`.
    Connect {
        /// Which one.
        namespace: &'static str,
        /// The JSON object that the client sent along.
        auth: Option<Bytes>,
    },
    /// A client has left a namespace.
    Disconnect {
        /// Which one.
        namespace: &'static str,
    },
    /// An event, with or without attachments. The text may be a slice of the read buffer: copy before keeping.
    Event {
        /// Where.
        namespace: &'static str,
        /// The whole packet, without the `4` of the Engine.IO message.
        packet: Bytes,
        /// What came with it, where that is wanted.
        attachments: Vec<Bytes>,
    },
    /// A sign of life, or a packet that needs nothing further.
    Alive,
    /// The answer to a ping.
    Pong,
    /// A message above the limit; nothing more can be read.
    TooLarge,
    /// The client is gone or broke the rules, and has been answered.
    Gone,
}

/// A packet whose attachments are still to come.
struct Pending {
    namespace: &'static str,
    is_event: bool,
    packet: Bytes,
    missing: u8,
    attachments: Vec<Bytes>,
}

/// The client broke the rules.
struct Breach;

/// One client's packets.
pub struct Link {
    session: Session,
    offered: &'static [&'static str],
    joined: Vec<&'static str>,
    /// Attachments are counted, and kept only where this is set.
    keeps_attachments: bool,
    pending: Option<Box<Pending>>,
    /// The protocol's own answer, until it is written.
    reply: Option<Bytes>,
}

impl Link {
    /// Packets over `session`, for these namespaces. Attachments are dropped.
    pub fn new(session: Session, offered: &'static [&'static str]) -> Self {
        Self { session, offered, joined: Vec::new(), keeps_attachments: false, pending: None, reply: None }
    }

    /// Keeps attachments: up to ten of the largest message's size for each client.
    #[must_use]
    pub fn with_attachments(self) -> Self {
        Self { keeps_attachments: true, ..self }
    }

    /// The next thing that comes in. Cancel-safe.
    pub async fn receive(&mut self) -> Heard {
        loop {
            if self.reply.is_some() {
                // Boxed: what hardly ever happens must not lie in every idle connection's future.
                return match Box::pin(self.reply()).await {
                    Ok(()) => Heard::Alive,
                    Err(Gone) => Heard::Gone,
                };
            }
            let heard = match self.session.receive().await {
                Incoming::Text(text) => self.text(&text),
                Incoming::Binary(bytes) => self.attachment(&bytes),
                Incoming::Alive => return Heard::Alive,
                Incoming::Pong => return Heard::Pong,
                Incoming::TooLarge => return Heard::TooLarge,
                Incoming::Gone => return Heard::Gone,
            };
            match heard {
                Ok(Some(heard)) => return heard,
                Ok(None) => {}
                Err(Breach) => self.session.breach(),
            }
        }
    }

    /// Writes the protocol's own answer. Cancelled, it begins anew.
    async fn reply(&mut self) -> Result<(), Gone> {
        if let Some(reply) = self.reply.clone() {
            self.session.feed(reply).await?;
            self.reply = None;
        }
        self.session.flush().await
    }

    /// `None`: there is an answer to write first.
    fn text(&mut self, text: &Bytes) -> Result<Option<Heard>, Breach> {
        let packet =
            std::str::from_utf8(text).ok().and_then(|text| Packet::parse(text).ok()).ok_or(Breach)?;
        if self.pending.is_some() {
            return Err(Breach);
        }
        let joined = self.joined.iter().copied().find(|joined| *joined == packet.namespace);
        match (packet.kind, joined) {
            (Kind::Connect, joined) => self.connect(&packet, joined.is_some()),
            (Kind::Disconnect, Some(namespace)) if packet.payload.is_empty() => {
                self.leave(namespace);
                Ok(Some(Heard::Disconnect { namespace }))
            }
            (Kind::Event, Some(namespace)) if payload::is_event(packet.payload) => {
                Ok(Some(Heard::Event { namespace, packet: text.clone(), attachments: Vec::new() }))
            }
            (Kind::Ack, Some(_)) if payload::is_array(packet.payload) => Ok(Some(Heard::Alive)),
            (Kind::BinaryEvent, Some(namespace)) if payload::is_event(packet.payload) => {
                Ok(Some(self.begin(namespace, &packet, text)))
            }
            (Kind::BinaryAck, Some(namespace)) if payload::is_array(packet.payload) => {
                Ok(Some(self.begin(namespace, &packet, text)))
            }
            (Kind::Disconnect | Kind::Event | Kind::Ack | Kind::BinaryEvent | Kind::BinaryAck, _)
            | (Kind::ConnectError, _) => Err(Breach),
        }
    }

    fn connect(&mut self, packet: &Packet<'_>, is_joined: bool) -> Result<Option<Heard>, Breach> {
        if !packet.payload.is_empty() && !payload::is_object(packet.payload) {
            return Err(Breach);
        }
        if is_joined {
            return Ok(Some(Heard::Alive));
        }
        let Some(namespace) = self.offered.iter().copied().find(|offered| *offered == packet.namespace)
        else {
            let refusal = "{\"message\":\"Invalid namespace\"}";
            let answer = Packet { kind: Kind::ConnectError, payload: refusal, ..*packet };
            self.reply = Some(format!("4{answer}").into());
            return Ok(None);
        };
        self.joined.push(namespace);
        let auth = (!packet.payload.is_empty()).then(|| Bytes::copy_from_slice(packet.payload.as_bytes()));
        Ok(Some(Heard::Connect { namespace, auth }))
    }

    fn begin(&mut self, namespace: &'static str, packet: &Packet<'_>, text: &Bytes) -> Heard {
        let is_event = packet.kind == Kind::BinaryEvent;
        if packet.attachments == 0 {
            return match is_event {
                true => Heard::Event { namespace, packet: text.clone(), attachments: Vec::new() },
                false => Heard::Alive,
            };
        }
        // Copied: as a slice it would pin the read buffer until the last attachment is here.
        let packet_text = if is_event { Bytes::copy_from_slice(text) } else { Bytes::new() };
        let missing = packet.attachments;
        let pending = Pending { namespace, is_event, packet: packet_text, missing, attachments: Vec::new() };
        self.pending = Some(Box::new(pending));
        Heard::Alive
    }

    fn attachment(&mut self, bytes: &Bytes) -> Result<Option<Heard>, Breach> {
        let mut pending = self.pending.take().ok_or(Breach)?;
        pending.missing -= 1;
        if self.keeps_attachments && pending.is_event {
            pending.attachments.push(Bytes::copy_from_slice(bytes));
        }
        if pending.missing > 0 {
            self.pending = Some(pending);
            return Ok(Some(Heard::Alive));
        }
        let Pending { namespace, is_event, packet, attachments, .. } = *pending;
        Ok(Some(match is_event {
            true => Heard::Event { namespace, packet, attachments },
            false => Heard::Alive,
        }))
    }

    /// Forgets that the client is in `namespace`; says nothing.
    pub fn leave(&mut self, namespace: &str) {
        self.joined.retain(|joined| *joined != namespace);
    }

    /// Puts a whole Engine.IO text packet, the `4` included, into the write buffer.
    pub async fn feed(&mut self, packet: Bytes) -> Result<(), Gone> {
        self.session.feed(packet).await
    }

    /// Puts an attachment into the write buffer.
    pub async fn feed_binary(&mut self, attachment: Bytes) -> Result<(), Gone> {
        self.session.feed_binary(attachment).await
    }

    /// Writes the buffer out.
    pub async fn flush(&mut self) -> Result<(), Gone> {
        self.session.flush().await
    }

    /// Asks for a sign of life.
    pub async fn ping(&mut self) -> Result<(), Gone> {
        self.session.ping().await
    }

    /// Ends the session after what was fed, within two seconds.
    pub async fn close(&mut self, code: u16, reason: &'static str) {
        self.session.close(code, reason).await;
    }
}
