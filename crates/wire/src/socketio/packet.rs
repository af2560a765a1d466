//! The head of a Socket.IO v5 packet: kind, number of attachments, namespace, number of the acknowledgement.
//!
//! Owns the split of a packet's text into head and payload, both ways. Owns no JSON: the payload is a slice
//! that nobody has looked at. Invariant: what `parse` accepts, `write` gives back in the same meaning.

use std::fmt;

/// Attachments that one packet may have, as in the reference implementation.
pub const MOST_ATTACHMENTS: u8 = 10;
/// Numbers of acknowledgements survive JavaScript up to here.
const LARGEST_SAFE_INTEGER: u64 = (1 << 53) - 1;
/// The namespace that every packet means which names none.
pub const MAIN: &str = "/";

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `0`: a client enters a namespace, or the server lets it in.
    Connect,
    /// `1`: either side leaves a namespace.
    Disconnect,
    /// `2`: an event.
    Event,
    /// `3`: the answer to an event that asked for one.
    Ack,
    /// `4`: the server refuses a namespace.
    ConnectError,
    /// `5`: an event with attachments.
    BinaryEvent,
    /// `6`: an answer with attachments.
    BinaryAck,
}

impl Kind {
    fn of(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Connect,
            b'1' => Self::Disconnect,
            b'2' => Self::Event,
            b'3' => Self::Ack,
            b'4' => Self::ConnectError,
            b'5' => Self::BinaryEvent,
            b'6' => Self::BinaryAck,
            _ => return None,
        })
    }

    /// The digit that a packet of this kind begins with.
    pub fn digit(self) -> char {
        match self {
            Self::Connect => '0',
            Self::Disconnect => '1',
            Self::Event => '2',
            Self::Ack => '3',
            Self::ConnectError => '4',
            Self::BinaryEvent => '5',
            Self::BinaryAck => '6',
        }
    }

    /// Whether attachments are counted in the head.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

/// A text that is no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It begins with no known kind.
    Kind,
    /// The number of attachments is missing or no number.
    Attachments,
    /// More than [`MOST_ATTACHMENTS`].
    TooManyAttachments,
    /// The number of the acknowledgement is larger than JavaScript can count.
    Ack,
}

/// One packet, as slices of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is for.
    pub kind: Kind,
    /// Binary messages that follow it.
    pub attachments: u8,
    /// The namespace, with its slash.
    pub namespace: &'a str,
    /// The number by which an answer is asked for, or given.
    pub ack: Option<u64>,
    /// JSON, or nothing.
    pub payload: &'a str,
}

impl<'a> Packet<'a> {
    /// A packet of the main namespace, without attachments and without a wish for an answer.
    pub fn main(kind: Kind, payload: &'a str) -> Self {
        Self { kind, attachments: 0, namespace: MAIN, ack: None, payload }
    }

    /// Splits a packet's text, which stands after the `4` of the Engine.IO message.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let kind = text.bytes().next().and_then(Kind::of).ok_or(Malformed::Kind)?;
        let (attachments, rest) = match kind.is_binary() {
            true => attachments(&text[1..])?,
            false => (0, &text[1..]),
        };
        let (namespace, rest) = namespace(rest);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, payload) = rest.split_at(digits);
        let ack = match number {
            "" => None,
            number => {
                Some(number.parse().ok().filter(|ack| *ack <= LARGEST_SAFE_INTEGER).ok_or(Malformed::Ack)?)
            }
        };
        Ok(Self { kind, attachments, namespace, ack, payload })
    }
}

fn attachments(text: &str) -> Result<(u8, &str), Malformed> {
    let (number, rest) = text.split_once('-').ok_or(Malformed::Attachments)?;
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Malformed::Attachments);
    }
    match number.parse() {
        Ok(number) if number <= MOST_ATTACHMENTS => Ok((number, rest)),
        Ok(_) | Err(_) => Err(Malformed::TooManyAttachments),
    }
}

fn namespace(text: &str) -> (&str, &str) {
    match text.starts_with('/') {
        true => text.split_once(',').unwrap_or((text, "")),
        false => (MAIN, text),
    }
}

/// The packet's text, without the `4` of the Engine.IO message.
impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.digit())?;
        if self.kind.is_binary() {
            write!(f, "{}-", self.attachments)?;
        }
        if self.namespace != MAIN {
            write!(f, "{},", self.namespace)?;
        }
        if let Some(ack) = self.ack {
            write!(f, "{ack}")?;
        }
        f.write_str(self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(
        kind: Kind,
        attachments: u8,
        namespace: &'static str,
        ack: Option<u64>,
        payload: &'static str,
    ) -> Packet<'static> {
        Packet { kind, attachments, namespace, ack, payload }
    }

    #[test]
    fn a_packet_is_split_and_written_back() {
        for (text, expected) in [
            ("0", packet(Kind::Connect, 0, "/", None, "")),
            ("0{\"token\":\"1\"}", packet(Kind::Connect, 0, "/", None, "{\"token\":\"1\"}")),
            ("0/admin,{}", packet(Kind::Connect, 0, "/admin", None, "{}")),
            ("1/admin,", packet(Kind::Disconnect, 0, "/admin", None, "")),
            ("2[\"a,b\",1]", packet(Kind::Event, 0, "/", None, "[\"a,b\",1]")),
            ("213[\"a\"]", packet(Kind::Event, 0, "/", Some(13), "[\"a\"]")),
            ("2/admin,0[\"a\"]", packet(Kind::Event, 0, "/admin", Some(0), "[\"a\"]")),
            ("39007199254740991[]", packet(Kind::Ack, 0, "/", Some(LARGEST_SAFE_INTEGER), "[]")),
            ("4{\"message\":\"no\"}", packet(Kind::ConnectError, 0, "/", None, "{\"message\":\"no\"}")),
            ("51-[\"a\"]", packet(Kind::BinaryEvent, 1, "/", None, "[\"a\"]")),
            ("510-/admin,456[\"a-b\"]", packet(Kind::BinaryEvent, 10, "/admin", Some(456), "[\"a-b\"]")),
            ("60-7[]", packet(Kind::BinaryAck, 0, "/", Some(7), "[]")),
        ] {
            assert_eq!(Packet::parse(text), Ok(expected), "{text}");
            assert_eq!(expected.to_string(), text);
        }
    }

    #[test]
    fn a_namespace_may_end_with_the_packet() {
        assert_eq!(Packet::parse("0/admin"), Ok(packet(Kind::Connect, 0, "/admin", None, "")));
        assert_eq!(Packet::parse("0/"), Ok(packet(Kind::Connect, 0, "/", None, "")));
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for (text, why) in [
            ("", Malformed::Kind),
            ("abc", Malformed::Kind),
            ("7", Malformed::Kind),
            ("ü", Malformed::Kind),
            ("5[\"a\"]", Malformed::Attachments),
            ("5-[\"a\"]", Malformed::Attachments),
            ("5x-[\"a\"]", Malformed::Attachments),
            ("5+1-[\"a\"]", Malformed::Attachments),
            ("5", Malformed::Attachments),
            ("511-[\"a\"]", Malformed::TooManyAttachments),
            ("5999999999999-[\"a\"]", Malformed::TooManyAttachments),
            ("29007199254740992[]", Malformed::Ack),
            ("299999999999999999999999[]", Malformed::Ack),
        ] {
            assert_eq!(Packet::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_bad_number_is_left_to_whoever_reads_the_payload() {
        assert_eq!(Packet::parse("2abc[\"a\"]"), Ok(packet(Kind::Event, 0, "/", None, "abc[\"a\"]")));
        assert_eq!(Packet::parse("2-1[\"a\"]"), Ok(packet(Kind::Event, 0, "/", None, "-1[\"a\"]")));
    }
}
