//! Finding one message by its id: the hot log's newest part first, then the database, then all of the hot log, which
//! is longer than the database ever lags while it is there.

use super::history::History;
use crate::ports::{Located, PortError, Published};
use crate::words::{ClientId, Entry, Kind, MessageId, Position, RoomId, UserId};

/// Most changes concern one of so many newest entries.
const NEWEST: usize = 64;
/// More than any hot log holds.
const ALL: usize = 100_000;

impl History {
    /// The message of this room with this id; a change is none.
    pub(super) async fn find(&self, room: &RoomId, id: MessageId) -> Result<Option<Located>, PortError> {
        let newest = self.broker.newest(room, None, NEWEST).await?.entries;
        if let Some(found) = among(room, &newest, id) {
            return Ok(Some(found));
        }
        let stored = self.store.locate(id).await;
        if let Ok(Some(mut found)) = stored {
            found.deleted |= withdrawn(&newest, id);
            return Ok((found.room == *room && found.kind == Kind::Message).then_some(found));
        }
        let hot = self.broker.newest(room, None, ALL).await?.entries;
        // Neither here nor there is an answer only if the database gave one.
        among(room, &hot, id).map_or_else(|| stored.map(|_| None), |found| Ok(Some(found)))
    }

    /// What a reaction would be: news, or one that stands already, or the repeat of an earlier command.
    pub(super) async fn reaction(
        &self,
        room: &RoomId,
        target: MessageId,
        reaction: Reaction<'_>,
    ) -> Result<Standing, PortError> {
        let mut entries = self.store.reactions(room, target).await?;
        let known = entries.last().map(|entry| entry.position);
        let hot = self.broker.newest(room, None, ALL).await?.entries;
        entries.extend(hot.into_iter().filter(|entry| Some(entry.position) > known));
        if let Some(first) = repeated(&entries, reaction.user, reaction.client_id) {
            return Ok(Standing::Repeated(first));
        }
        let mine = entries.into_iter().filter(|entry| {
            entry.draft.target == Some(target)
                && entry.draft.author.user == *reaction.user
                && matches!(entry.draft.kind, Kind::React | Kind::Unreact)
                && self.opener.content(&entry.draft).is_ok_and(|content| content.text == reaction.emoji)
        });
        let stands = mine.last().is_some_and(|entry| entry.draft.kind == Kind::React);
        Ok(if stands == (reaction.kind == Kind::React) { Standing::Stands } else { Standing::News })
    }

    /// What the user's command of this name was accepted as, if it is in the hot log.
    pub(super) async fn accepted_as(
        &self,
        room: &RoomId,
        user: &UserId,
        client_id: Option<&ClientId>,
    ) -> Result<Option<Published>, PortError> {
        if client_id.is_none() {
            return Ok(None);
        }
        let hot = self.broker.newest(room, None, ALL).await?.entries;
        Ok(repeated(&hot, user, client_id))
    }

    /// Where the hot log holds a message or what it was edited to.
    pub(super) async fn texts_of(&self, room: &RoomId, id: MessageId) -> Result<Vec<Position>, PortError> {
        let hot = self.broker.newest(room, None, ALL).await?.entries;
        let says = |entry: &Entry| {
            entry.draft.id == id || entry.draft.kind == Kind::Edit && entry.draft.target == Some(id)
        };
        Ok(hot.iter().filter(|entry| says(entry)).map(|entry| entry.position).collect())
    }
}

/// A reaction that somebody asks for.
#[derive(Clone, Copy)]
pub(super) struct Reaction<'a> {
    pub(super) user: &'a UserId,
    pub(super) emoji: &'a str,
    pub(super) kind: Kind,
    pub(super) client_id: Option<&'a ClientId>,
}

/// What it would be.
pub(super) enum Standing {
    /// It changes something.
    News,
    /// Things stand like that already.
    Stands,
    /// It was accepted before, as this.
    Repeated(Published),
}

fn repeated(entries: &[Entry], user: &UserId, client_id: Option<&ClientId>) -> Option<Published> {
    let client_id = client_id?;
    let same = |entry: &&Entry| {
        entry.draft.client_id.as_ref() == Some(client_id) && entry.draft.author.user == *user
    };
    let first = entries.iter().find(same)?;
    let id = first.draft.target.unwrap_or(first.draft.id);
    Some(Published { position: first.position, id, repeated: true })
}

fn among(room: &RoomId, entries: &[Entry], id: MessageId) -> Option<Located> {
    let entry = entries.iter().find(|entry| entry.draft.id == id && entry.draft.kind == Kind::Message)?;
    Some(Located {
        room: room.clone(),
        position: entry.position,
        kind: entry.draft.kind,
        author: entry.draft.author.user.clone(),
        sent_at: entry.draft.sent_at,
        deleted: withdrawn(entries, id),
    })
}

fn withdrawn(entries: &[Entry], id: MessageId) -> bool {
    entries.iter().any(|entry| entry.draft.kind == Kind::Delete && entry.draft.target == Some(id))
}
