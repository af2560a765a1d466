//! Everything that was said in a room, from its beginning to the moment of asking: the database first, then what it does not
//! have yet.
//!
//! Owns where the two join. Invariant: never a hole and never a repeat; where that cannot be proven, there is a fault.

use std::sync::Arc;

use super::Node;
use super::history::{Changes, unavailable};
use super::track::Step;
use crate::ports::PortError;
use crate::words::{Event, Fault, Message, Position, RoomId};

/// Messages read at once: so many are in memory, whatever the room holds.
const CHUNK: usize = 64;

/// A room's messages, oldest first, a chunk at a time.
pub struct Export {
    node: Arc<Node>,
    room: RoomId,
    /// Everything up to here was given.
    at: Position,
    /// The database has everything up to here; what is behind is read as it happened.
    kept: Position,
    /// The room's newest position when it was asked for.
    end: Position,
    /// What happened behind `kept` to messages, as far as it was known then.
    changes: Changes,
}

impl Node {
    /// Begins to read a room from its beginning. A fault: the database has not caught up so far that nothing is missing.
    pub async fn export(self: &Arc<Self>, room: &RoomId) -> Result<Export, Fault> {
        let kept = self.store().head(room).await.map_err(|error| unavailable(&error))?;
        let kept = kept.unwrap_or(Position::START);
        let end = self.reading().head(room).await.map_err(|error| unavailable(&error))?.max(kept);
        let (node, room, changes) = (self.clone(), room.clone(), Changes::default());
        let mut export = Export { node, room, at: Position::START, kept, end, changes };
        // What was done to messages of the database is known before the first of them is given.
        let mut at = kept;
        while at < end {
            let (reached, events) = export.behind(at).await?;
            events.iter().for_each(|event| export.changes.note(event));
            at = reached;
        }
        Ok(export)
    }
}

impl Export {
    /// The next messages; `None`: that was all.
    pub async fn next(&mut self) -> Result<Option<Vec<Message>>, Fault> {
        let messages = if self.at < self.kept {
            self.kept_messages().await?
        } else if self.at < self.end {
            let (reached, events) = self.behind(self.at).await?;
            self.at = reached;
            let message = |event| match event {
                Event::Message(message) => Some(message),
                Event::Edited(_)
                | Event::Deleted(_)
                | Event::Reacted(_)
                | Event::Unreacted(_)
                | Event::Resync { .. }
                | Event::Sign { .. } => None,
            };
            events.into_iter().filter_map(message).collect()
        } else {
            return Ok(None);
        };
        Ok(Some(messages.into_iter().map(|message| self.shown(message)).collect()))
    }

    async fn kept_messages(&mut self) -> Result<Vec<Message>, Fault> {
        let page = self.node.store().forward(&self.room, self.at.seq, CHUNK).await;
        let mut page = page.map_err(|error| unavailable(&error))?;
        let whole = page.len() == CHUNK;
        page.retain(|stored| stored.position <= self.kept);
        let last = page.last().map(|stored| stored.position);
        // A page that is not full, or reaches further, has all that is left of the database's part.
        self.at = last.filter(|last| whole && *last < self.kept).unwrap_or(self.kept);
        Ok(page.into_iter().map(|stored| self.node.shown(&self.room, stored)).collect())
    }

    /// What happened behind `at` and not behind the end, a stretch of it, and how far that is.
    async fn behind(&self, at: Position) -> Result<(Position, Vec<Event>), Fault> {
        let behind = self.node.reading().behind(&self.room, at).await.map_err(|error| unavailable(&error))?;
        let Some((_, steps)) = behind else {
            return Err(unavailable(&PortError::Unavailable("the room has a hole".into())));
        };
        let (mut reached, mut events) = (at, Vec::with_capacity(steps.len()));
        for step in steps {
            match step {
                Step::Entry(entry) => {
                    reached = entry.position;
                    if reached <= self.end {
                        events.push(self.node.opener().event(entry));
                    }
                }
                Step::Resync(position) => reached = position,
            }
        }
        // Nothing is left: numbers of the rest were never anybody's.
        Ok((if reached == at { self.end } else { reached }, events))
    }

    /// A message with what was done to it since, unless the database knows better.
    fn shown(&self, message: Message) -> Message {
        let mut changed = message.clone();
        self.changes.show_on(&mut changed);
        let is_older = changed.deleted_at.is_none() && changed.edited_at < message.edited_at;
        if is_older { message } else { changed }
    }
}
