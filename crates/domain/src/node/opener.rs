//! From sealed entries to events in the clear, once per node.

use std::sync::Arc;

use super::{Parcel, Skips, whisper};
use crate::ports::{Sealer, StoredMessage};
use crate::words::{
    Amendment, Content, Draft, Entry, Event, Kind, Message, Passing, Policies, Position, RoomId, Unreadable,
    Whisper,
};

/// Opens what is sealed and turns entries into events.
pub(super) struct Opener {
    pub(super) sealer: Arc<dyn Sealer>,
    pub(super) policies: Policies,
}

impl Opener {
    /// The content of a sealed body, or why it cannot be read.
    pub(super) fn content(&self, draft: &Draft) -> Result<Content, Unreadable> {
        if draft.body.bytes.is_empty() {
            // A deletion, or what a deletion has erased.
            return Ok(Content::default());
        }
        // An edit's body becomes its message's body in the database, so it is sealed under the message's id.
        let id = if draft.kind == Kind::Edit { draft.target.unwrap_or(draft.id) } else { draft.id };
        let plain = self.sealer.open(&draft.room, id, &draft.body)?;
        Content::from_bytes(&plain)
    }

    /// The event that an entry tells of.
    pub(super) fn event(&self, entry: Entry) -> Event {
        let content = self.content(&entry.draft);
        let Entry { position, draft } = entry;
        let erased = draft.body.bytes.is_empty();
        match draft.kind {
            Kind::Message => Event::Message(Message {
                room: draft.room,
                position,
                id: draft.id,
                author: draft.author,
                client_id: draft.client_id,
                sent_at: draft.sent_at,
                edited_at: None,
                // The deletion's own entry says when; here it only matters that there is nothing to show.
                deleted_at: erased.then_some(draft.sent_at),
                content,
            }),
            Kind::Edit => Event::Edited(amendment(draft, position, content)),
            Kind::Delete => Event::Deleted(amendment(draft, position, content)),
            Kind::React => Event::Reacted(amendment(draft, position, content)),
            Kind::Unreact => Event::Unreacted(amendment(draft, position, content)),
        }
    }

    /// What another node said in passing.
    pub(super) fn whisper(&self, passing: &Passing) -> Result<Whisper, Unreadable> {
        let plain = self.sealer.open(&passing.room, passing.id, &passing.body)?;
        whisper::from_bytes(&plain)
    }

    /// A message as the database keeps it, in the clear.
    pub(super) fn stored(&self, room: &RoomId, stored: StoredMessage) -> Message {
        let content = match stored.deleted_at {
            Some(_) => Ok(Content::default()),
            None => {
                let plain = self.sealer.open(room, stored.id, &stored.body);
                plain.and_then(|plain| Content::from_bytes(&plain))
            }
        };
        Message {
            room: room.clone(),
            position: stored.position,
            id: stored.id,
            author: stored.author,
            client_id: stored.client_id,
            sent_at: stored.sent_at,
            edited_at: stored.edited_at,
            deleted_at: stored.deleted_at,
            content,
        }
    }

    /// The event of an entry, ready for every member here.
    pub(super) fn parcel(&self, entry: Entry) -> Parcel {
        let echo = self.policies.of(entry.draft.room.namespace()).echo_to_sender;
        let skips = match entry.draft.origin {
            Some(origin) if !echo => Skips::Connection(origin),
            Some(_) | None => Skips::Nobody,
        };
        Parcel::new(self.event(entry), skips)
    }
}

fn amendment(draft: Draft, position: Position, content: Result<Content, Unreadable>) -> Amendment {
    Amendment {
        room: draft.room,
        position,
        target: draft.target.unwrap_or(draft.id),
        author: draft.author,
        at: draft.sent_at,
        content,
    }
}
