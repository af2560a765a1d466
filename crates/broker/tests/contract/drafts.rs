//! Short words for drafts and their parts.

use bytes::Bytes;
use domain::ports::Record;
use domain::words::{
    Author, ClientId, Draft, Entry, Kind, MessageId, Position, RoomId, Sealed, Timestamp, UserId,
};

pub(crate) fn room(name: &str) -> RoomId {
    RoomId::parse(&format!("room:{name}")).expect("a legal name")
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::text(id).expect("a legal id")
}

pub(crate) fn author(id: &str) -> Author {
    Author { user: user(id), name: None }
}

pub(crate) fn at(seq: u64) -> Position {
    Position { epoch: 1, seq }
}

/// A message of `anna` without a client id.
pub(crate) fn message(room: &RoomId, text: &str) -> Draft {
    Draft {
        room: room.clone(),
        id: MessageId::new(),
        kind: Kind::Message,
        target: None,
        author: author("anna"),
        client_id: None,
        sent_at: Timestamp(1_790_000_000_000),
        origin: None,
        body: Sealed { key: None, bytes: Bytes::copy_from_slice(text.as_bytes()) },
    }
}

/// A message with a name given by its sender.
pub(crate) fn named(room: &RoomId, sender: &str, client: &str) -> Draft {
    Draft {
        author: author(sender),
        client_id: Some(ClientId::parse(client).expect("a legal client id")),
        ..message(room, "named")
    }
}

pub(crate) fn ids(entries: &[Entry]) -> Vec<MessageId> {
    entries.iter().map(|entry| entry.draft.id).collect()
}

pub(crate) fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position.seq).collect()
}

/// The entries of records, all of which can be read.
pub(crate) fn entries(records: &[Record]) -> Vec<Entry> {
    records.iter().map(|record| record.entry.clone().expect("the record can be read")).collect()
}
