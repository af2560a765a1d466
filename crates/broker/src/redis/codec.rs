//! A draft as bytes, in the journal, the hot log and on channels; and what passes, on channels alone.
//!
//! MessagePack with named fields: nodes of two versions read each other during a rolling upgrade.

use bytes::Bytes;
use domain::{
    Author, ClientId, ConnectionId, Draft, Entry, KeyId, Kind, MessageId, Passing, Position, RoomId, Sealed,
    Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    #[serde(rename = "r")]
    room: &'a str,
    #[serde(rename = "i")]
    id: Uuid,
    #[serde(rename = "k")]
    kind: &'a str,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    target: Option<Uuid>,
    #[serde(rename = "u")]
    user: &'a str,
    #[serde(rename = "#", default, skip_serializing_if = "is_false")]
    numeric: bool,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(rename = "t")]
    sent_at: i64,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    origin: Option<Uuid>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(rename = "b", with = "raw")]
    body: &'a [u8],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Bytes as one binary value instead of a list of numbers.
mod raw {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de [u8], D::Error> {
        <&[u8]>::deserialize(deserializer)
    }
}

/// A draft as bytes.
pub(super) fn encode(draft: &Draft) -> Vec<u8> {
    let record = Record {
        room: draft.room.key(),
        id: draft.id.0,
        kind: draft.kind.as_str(),
        target: draft.target.map(|id| id.0),
        user: draft.author.user.as_str(),
        numeric: draft.author.user.is_numeric(),
        name: draft.author.name.as_deref(),
        client_id: draft.client_id.as_ref().map(ClientId::as_str),
        sent_at: draft.sent_at.0,
        origin: draft.origin.map(|id| id.0),
        key: draft.body.key.as_ref().map(KeyId::as_str),
        body: &draft.body.bytes,
    };
    rmp_serde::to_vec_named(&record).expect("strings, numbers and bytes always encode")
}

/// Reads what [`encode`] wrote; the reason is for people. Never panics, whatever the bytes.
pub(super) fn decode(bytes: &Bytes) -> Result<Draft, String> {
    let record: Record<'_> = rmp_serde::from_slice(bytes).map_err(|error| error.to_string())?;
    let invalid = |error: domain::InvalidId| error.to_string();
    let user = if record.numeric {
        UserId::number(record.user.parse().map_err(|_| "the user id is not a number".to_owned())?)
    } else {
        UserId::text(record.user)
    };
    Ok(Draft {
        room: RoomId::parse(record.room).map_err(invalid)?,
        id: MessageId(record.id),
        kind: Kind::parse(record.kind).ok_or_else(|| format!("unknown kind {:?}", record.kind))?,
        target: record.target.map(MessageId),
        author: Author { user: user.map_err(invalid)?, name: record.name.map(Into::into) },
        client_id: record.client_id.map(ClientId::parse).transpose().map_err(invalid)?,
        sent_at: Timestamp(record.sent_at),
        origin: record.origin.map(ConnectionId),
        body: Sealed {
            key: record.key.map(KeyId::parse).transpose().map_err(invalid)?,
            bytes: Bytes::copy_from_slice(record.body),
        },
    })
}

/// A message that nobody here can read, in place of a draft that a newer version wrote or that is damaged:
/// its number must not be missing, and its room must not wait for it.
fn unreadable(room: &RoomId, reason: &str) -> Draft {
    tracing::error!(room.id = %room, reason, "an entry cannot be read");
    Draft {
        room: room.clone(),
        id: MessageId(Uuid::nil()),
        kind: Kind::Message,
        target: None,
        author: Author { user: UserId::text("unknown").expect("a legal id"), name: None },
        client_id: None,
        sent_at: Timestamp(0),
        origin: None,
        // Reserved in MessagePack: never a content.
        body: Sealed { key: None, bytes: Bytes::from_static(b"\xc1") },
    }
}

/// Reads an entry of a room's log or channel, whatever it holds.
pub(super) fn entry(room: &RoomId, position: Position, bytes: &Bytes) -> Entry {
    Entry { position, draft: decode(bytes).unwrap_or_else(|reason| unreadable(room, &reason)) }
}

/// Reads `epoch-seq`, the text form of a position, which is also a hot log's entry id.
pub(super) fn position(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once('-')?;
    Some(Position { epoch: epoch.parse().ok()?, seq: seq.parse().ok()? })
}

/// Its room is that of its channel.
#[derive(Serialize, Deserialize)]
struct Whiff<'a> {
    #[serde(rename = "i")]
    id: Uuid,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    origin: Option<Uuid>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(rename = "b", with = "raw")]
    body: &'a [u8],
}

/// Something passing as bytes.
pub(super) fn encode_passing(passing: &Passing) -> Vec<u8> {
    let whiff = Whiff {
        id: passing.id.0,
        origin: passing.origin.map(|id| id.0),
        key: passing.body.key.as_ref().map(KeyId::as_str),
        body: &passing.body.bytes,
    };
    rmp_serde::to_vec_named(&whiff).expect("strings and bytes always encode")
}

/// Reads what [`encode_passing`] wrote; the reason is for people. Never panics, whatever the bytes.
pub(super) fn decode_passing(room: &RoomId, bytes: &[u8]) -> Result<Passing, String> {
    let whiff: Whiff<'_> = rmp_serde::from_slice(bytes).map_err(|error| error.to_string())?;
    let key = whiff.key.map(KeyId::parse).transpose().map_err(|error| error.to_string())?;
    Ok(Passing {
        room: room.clone(),
        id: MessageId(whiff.id),
        origin: whiff.origin.map(ConnectionId),
        body: Sealed { key, bytes: Bytes::copy_from_slice(whiff.body) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Namespace;

    fn draft() -> Draft {
        Draft {
            room: RoomId::new(Namespace::Room, "7").unwrap(),
            id: MessageId::new(),
            kind: Kind::Edit,
            target: Some(MessageId::new()),
            author: Author { user: UserId::number(-7).unwrap(), name: Some("Änne".into()) },
            client_id: Some(ClientId::parse("c|1").unwrap()),
            sent_at: Timestamp(1_790_000_000_123),
            origin: Some(ConnectionId::new()),
            body: Sealed { key: Some(KeyId::parse("k1").unwrap()), bytes: Bytes::from_static(b"\0\xff\n") },
        }
    }

    #[test]
    fn every_field_survives() {
        let draft = draft();
        let read = decode(&encode(&draft).into()).unwrap();
        assert_eq!(read, draft);
        assert!(read.author.user.is_numeric());
    }

    #[test]
    fn damaged_bytes_are_told_and_never_panic() {
        let whole = encode(&draft());
        for cut in 0..whole.len() {
            assert!(decode(&Bytes::copy_from_slice(&whole[..cut])).is_err());
        }
    }

    #[test]
    fn what_passes_survives_whole_and_damage_is_told() {
        let Draft { room, id, origin, body, .. } = draft();
        let open = Sealed { key: None, bytes: Bytes::new() };
        for passing in [
            Passing { room: room.clone(), id, origin, body },
            Passing { room: room.clone(), id, origin: None, body: open },
        ] {
            let whole = encode_passing(&passing);
            assert_eq!(decode_passing(&room, &whole), Ok(passing));
            for cut in 0..whole.len() {
                assert!(decode_passing(&room, &whole[..cut]).is_err());
            }
        }
    }
}
