//! Reading back: the hot log first, the database for what is older, and never a page that hides a hole.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::opener::Opener;
use super::track::{self, Holes, Step};
use crate::ports::{Broker, PortError, Store};
use crate::words::{
    Amendment, Code, Content, Entry, Event, Fault, Kind, Message, MessageId, Position, RoomId, Timestamp,
};

/// How long a join waits for the part of its page that only the database has.
const PATIENCE: Duration = Duration::from_millis(500);
/// Entries read at once while a client, or a room, catches up.
const CHUNK: usize = 200;
/// What a page may hold, in bytes of text; the newest are kept.
const PAGE_BYTES: usize = 256 * 1024;
/// What a message of a page weighs beside its content: names, ids, braces.
const ENVELOPE: usize = 512;

/// The reading half of a node.
pub(super) struct History {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) store: Arc<dyn Store>,
    pub(super) opener: Arc<Opener>,
}

/// The part of a page that the hot log holds.
struct Hot {
    messages: Vec<Message>,
    /// Where the database must go on, at or below the oldest entry; `None`: the page is whole.
    open_below: Option<Option<Position>>,
}

/// What a port's failure means to the client that asked.
pub(super) fn unavailable(error: &PortError) -> Fault {
    match error {
        PortError::Overloaded(after) => Fault::retry(Code::Overloaded, "the server is overloaded", *after),
        PortError::Unavailable(_) | PortError::Deadline => {
            Fault::retry(Code::Overloaded, "a part of the server is away", Duration::from_secs(1))
        }
        PortError::Refused(_) | PortError::Fenced => {
            Fault::new(Code::Internal, "the server could not do this")
        }
    }
}

impl History {
    /// The newest `limit` messages below `before`, oldest first.
    pub(super) async fn newest(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Message>, PortError> {
        let hot = self.hot(room, before, limit).await?;
        let mut messages = match hot.open_below {
            None => hot.messages,
            Some(oldest) => {
                let below = oldest.map_or(before, |oldest| Some(oldest.seq));
                let mut messages = self.older(room, oldest, below, limit - hot.messages.len()).await?;
                messages.extend(hot.messages);
                messages
            }
        };
        if let Some(newest) = messages.last().map(|message| message.position).filter(|_| before.is_some()) {
            // What was done to them behind the page, as far as the database may not know of it yet.
            let changes = self.changes_behind(room, newest).await?;
            messages.iter_mut().for_each(|message| changes.show_on(message));
        }
        Ok(cut(messages))
    }

    /// Edits and deletions behind `at` that the hot log holds.
    pub(super) async fn changes_behind(&self, room: &RoomId, mut at: Position) -> Result<Changes, PortError> {
        let mut changes = Changes::default();
        loop {
            let span = self.broker.after(room, at, CHUNK).await?;
            let Some(last) = span.entries.last().map(|entry| entry.position) else { return Ok(changes) };
            let is_change = |entry: &Entry| matches!(entry.draft.kind, Kind::Edit | Kind::Delete);
            let events = span.entries.into_iter().filter(is_change).map(|entry| self.opener.event(entry));
            events.for_each(|event| changes.note(&event));
            if last >= span.head {
                return Ok(changes);
            }
            at = last;
        }
    }

    /// The same, but while the database is away only what the hot log holds: chat goes on without it.
    pub(super) async fn newest_at_hand(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Vec<Message> {
        match timeout(PATIENCE, self.newest(room, before, limit)).await {
            Ok(Ok(messages)) => messages,
            Ok(Err(_)) | Err(_) => {
                tracing::debug!(room.id = %room, "a page is cut at the hot log");
                self.hot(room, before, limit).await.map_or_else(|_| Vec::new(), |hot| cut(hot.messages))
            }
        }
    }

    /// The newest `limit` messages below `before` that the hot log holds. It is read downwards until there are so many of
    /// them among what else has a number.
    async fn hot(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Result<Hot, PortError> {
        let span = self.broker.newest(room, before, limit).await?;
        let (head, mut entries) = (span.head, span.entries);
        let is_message = |entry: &&Entry| entry.draft.kind == Kind::Message;
        while entries.iter().filter(is_message).count() < limit {
            let Some(oldest) = entries.first().filter(|oldest| oldest.position != Position::START.next())
            else {
                break;
            };
            let below = Some(oldest.position.seq);
            let mut further = self.broker.newest(room, below, limit.max(CHUNK)).await?.entries;
            if further.is_empty() {
                break;
            }
            further.append(&mut entries);
            entries = further;
        }
        let oldest = entries.first().map(|entry| entry.position);
        let mut messages = self.messages(entries);
        let whole =
            oldest == Some(Position::START.next()) || head == Position::START || messages.len() >= limit;
        messages.drain(..messages.len().saturating_sub(limit));
        Ok(Hot { messages, open_below: if whole { None } else { Some(oldest) } })
    }

    /// Messages of the database below the hot log, which must join it without a hole.
    async fn older(
        &self,
        room: &RoomId,
        oldest_hot: Option<Position>,
        below: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Message>, PortError> {
        if let Some(hot) = oldest_hot {
            let stored = self.store.head(room).await?;
            let lags = |stored: Position| stored.epoch == hot.epoch && stored.next() < hot;
            if stored.is_none_or(lags) {
                return Err(PortError::Unavailable("the database has not caught up yet".into()));
            }
        }
        let page = self.store.page(room, below, limit).await?;
        Ok(page.into_iter().map(|stored| self.opener.stored(room, stored)).collect())
    }

    /// What stands behind `at`, a chunk of it in order, and the head at that moment. Every new epoch is announced.
    /// `None`: it cannot be proven that nothing is missing; an error: not now.
    pub(super) async fn behind(
        &self,
        room: &RoomId,
        at: Position,
    ) -> Result<Option<(Position, Vec<Step>)>, PortError> {
        let span = self.broker.after(room, at, CHUNK).await?;
        let (head, new_epoch) = (span.head, span.head.epoch > at.epoch);
        let told = |entries, holes| track::follow(at, head, entries, holes).map(|steps| (head, steps));
        if track::reaches_back(at, &span) {
            return Ok(told(span.entries, Holes::Refused));
        }
        // Read first: what is committed between the two looks must not pass for something that is missing.
        let stored = self.store.head(room).await;
        let kept = match self.store.after(room, at, CHUNK).await {
            Ok(kept) => kept,
            // A new epoch says by itself that something may be lost; it does not wait for the database.
            Err(_) if new_epoch => Vec::new(),
            Err(error) => return Err(error),
        };
        if !kept.is_empty() {
            return Ok(told(kept, Holes::Void));
        }
        if new_epoch {
            // The broker has lost the old epoch; what it has of the new one follows all the same.
            return Ok(told(span.entries, Holes::Refused));
        }
        if stored?.is_none_or(|stored| stored <= at) {
            return Err(PortError::Unavailable("the database has not caught up yet".into()));
        }
        Ok(None)
    }

    /// The room's newest position.
    pub(super) async fn head(&self, room: &RoomId) -> Result<Position, PortError> {
        self.broker.newest(room, None, 0).await.map(|span| span.head)
    }

    /// The event that was accepted at `position`.
    pub(super) async fn at(&self, room: &RoomId, position: Position) -> Result<Option<Event>, PortError> {
        let span = self.broker.after(room, position.previous(), 1).await?;
        let found = match span.entries.into_iter().next() {
            Some(entry) if entry.position == position => Some(entry),
            Some(_) | None => self.store.after(room, position.previous(), 1).await?.into_iter().next(),
        };
        Ok(found.filter(|entry| entry.position == position).map(|entry| self.opener.event(entry)))
    }

    /// Messages among some entries, as they stand after them.
    fn messages(&self, entries: Vec<Entry>) -> Vec<Message> {
        let (mut messages, mut changes) = (Vec::with_capacity(entries.len()), Changes::default());
        for event in entries.into_iter().map(|entry| self.opener.event(entry)) {
            changes.note(&event);
            if let Event::Message(message) = event {
                messages.push(message);
            }
        }
        messages.iter_mut().for_each(|message| changes.show_on(message));
        messages
    }
}

/// The newest edit or deletion of each message that has one.
#[derive(Debug, Default)]
pub(super) struct Changes {
    edits: HashMap<MessageId, Amendment>,
    deletions: HashMap<MessageId, Timestamp>,
}

impl Changes {
    /// Takes the next event, in order.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Edited(change) => drop(self.edits.insert(change.target, change.clone())),
            Event::Deleted(change) => drop(self.deletions.insert(change.target, change.at)),
            Event::Message(_)
            | Event::Reacted(_)
            | Event::Unreacted(_)
            | Event::Resync { .. }
            | Event::Sign { .. } => {}
        }
    }

    /// Shows on a message what was done to it.
    pub(super) fn show_on(&self, message: &mut Message) {
        if let Some(at) = self.deletions.get(&message.id) {
            message.deleted_at = Some(*at);
            message.content = Ok(Content::default());
        } else if let Some(edit) = self.edits.get(&message.id)
            && message.deleted_at.is_none()
        {
            message.edited_at = Some(edit.at);
            message.content = edit.content.clone();
        }
    }
}

fn cut(mut messages: Vec<Message>) -> Vec<Message> {
    let mut bytes = 0;
    let weight = |message: &Message| message.content.as_ref().map_or(0, Content::weight) + ENVELOPE;
    let kept = messages.iter().rev().take_while(|message| {
        bytes += weight(message);
        bytes <= PAGE_BYTES
    });
    let kept = kept.count();
    messages.drain(..messages.len() - kept);
    messages
}
