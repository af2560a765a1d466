//! The packets of Engine.IO v4, and the payloads in which long polling carries several of them.
//!
//! Owns their first byte, the record separator and base64. Owns no state.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bytes::Bytes;

/// Says that the transport is over.
pub(super) const CLOSE: &str = "1";
/// Asks for a sign of life.
pub(super) const PING: &str = "2";
/// Says nothing: it ends a poll.
pub(super) const NOOP: &str = "6";
/// The first thing on a WebSocket that wants to take over, and its answer.
pub(super) const PROBE: (&str, &str) = ("2probe", "3probe");
/// The WebSocket takes over.
pub(super) const UPGRADE: &str = "5";

/// Stands between the records of a payload.
const SEPARATOR: u8 = 0x1e;

/// Some clients leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A packet that a client may send while its session is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// `4`, without that digit.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
    /// `3`, or something that asks for nothing.
    Alive,
    /// The answer to a ping.
    Pong,
    /// `1`.
    Close,
}

/// Not a packet, or none that a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Something that goes to the client: a whole text packet, or the bytes of a binary message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outgoing {
    Text(Bytes),
    Binary(Bytes),
}

impl Outgoing {
    /// Bytes that it holds, roughly.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// Reads a text packet: a WebSocket's text message, or a record that is not binary.
pub(super) fn decode(text: &Bytes) -> Result<Packet, Malformed> {
    match text.first() {
        Some(b'4') => Ok(Packet::Text(text.slice(1..))),
        Some(b'3') => Ok(Packet::Pong),
        Some(b'5' | b'6') => Ok(Packet::Alive),
        Some(b'1') => Ok(Packet::Close),
        // Only a server opens and pings.
        Some(_) | None => Err(Malformed),
    }
}

/// Reads a record of a payload.
pub(super) fn decode_record(record: &Bytes) -> Result<Packet, Malformed> {
    if record.first() != Some(&b'b') {
        return decode(record);
    }
    let bytes = BASE64.decode(&record[1..]).map_err(|_| Malformed)?;
    Ok(Packet::Binary(bytes.into()))
}

/// Takes the first record off a payload; `None` when it is used up.
pub(super) fn next_record(payload: &mut Bytes) -> Option<Bytes> {
    if payload.is_empty() {
        return None;
    }
    match payload.iter().position(|byte| *byte == SEPARATOR) {
        Some(end) => {
            let record = payload.split_to(end);
            // The separator. A payload that ends with one has no further record; `is_sound` refuses it.
            let _ = payload.split_to(1);
            Some(record)
        }
        None => Some(std::mem::take(payload)),
    }
}

/// Whether a payload is UTF-8 and each of its records can be a packet.
pub(super) fn is_sound(payload: &[u8]) -> bool {
    let can_be = |record: &[u8]| matches!(record.first(), Some(b'1' | b'3'..=b'6' | b'b'));
    std::str::from_utf8(payload).is_ok() && payload.split(|byte| *byte == SEPARATOR).all(can_be)
}

/// One payload of many packets, and a last one.
pub(super) fn join<'a>(packets: impl Iterator<Item = &'a Outgoing>, last: Option<&'static str>) -> Vec<u8> {
    let mut payload = Vec::new();
    for packet in packets {
        match packet {
            Outgoing::Text(text) => payload.extend_from_slice(text),
            Outgoing::Binary(bytes) => {
                payload.push(b'b');
                payload.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            }
        }
        payload.push(SEPARATOR);
    }
    match last {
        Some(last) => payload.extend_from_slice(last.as_bytes()),
        // What follows the last packet is nothing.
        None => drop(payload.pop()),
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_text_packet_is_known_by_its_digit() {
        for (from, to) in [
            ("4", Ok(Packet::Text(text("")))),
            ("4hello", Ok(Packet::Text(text("hello")))),
            ("44", Ok(Packet::Text(text("4")))),
            ("3", Ok(Packet::Pong)),
            ("3probe", Ok(Packet::Pong)),
            ("6", Ok(Packet::Alive)),
            ("1", Ok(Packet::Close)),
            ("2", Err(Malformed)),
            ("2probe", Err(Malformed)),
            ("0{}", Err(Malformed)),
            ("7", Err(Malformed)),
            ("abc", Err(Malformed)),
            ("bAQID", Err(Malformed)),
            ("", Err(Malformed)),
        ] {
            assert_eq!(decode(&text(from)), to, "{from}");
        }
    }

    #[test]
    fn a_binary_record_is_base64_with_or_without_padding() {
        for (from, to) in [
            ("bAQIDBA==", Ok(Packet::Binary(Bytes::from_static(&[1, 2, 3, 4])))),
            ("bAQIDBA", Ok(Packet::Binary(Bytes::from_static(&[1, 2, 3, 4])))),
            ("b", Ok(Packet::Binary(Bytes::new()))),
            ("b!", Err(Malformed)),
            ("4b", Ok(Packet::Text(text("b")))),
        ] {
            assert_eq!(decode_record(&text(from)), to, "{from}");
        }
    }

    #[test]
    fn a_payload_falls_into_its_records_and_is_joined_again() {
        let payload = text("4hello\u{1e}bAQIDBA==\u{1e}2");
        assert!(!is_sound(&payload), "a client does not ping");
        let mut rest = payload.clone();
        let records: Vec<_> = std::iter::from_fn(|| next_record(&mut rest)).collect();
        assert_eq!(records, [text("4hello"), text("bAQIDBA=="), text("2")]);
        let packets = [Outgoing::Text(text("4hello")), Outgoing::Binary(Bytes::from_static(&[1, 2, 3, 4]))];
        assert_eq!(join(packets.iter(), Some(PING)), payload);
        assert_eq!(join(packets.iter(), None), text("4hello\u{1e}bAQIDBA=="));
        assert_eq!(join([].iter(), Some(NOOP)), text("6"));
    }

    #[test]
    fn a_payload_is_sound_when_each_record_is() {
        for (payload, sound) in [
            (&b"4"[..], true),
            (b"3\x1e4x\x1eb", true),
            (b"", false),
            (b"\x1e", false),
            (b"4x\x1e", false),
            (b"\x1e4x", false),
            (b"abc", false),
            (b"2", false),
            (b"4\xff", false),
        ] {
            assert_eq!(is_sound(payload), sound, "{payload:?}");
        }
    }
}
