//! Which messages a batch changes, and by which of its entries.
//!
//! Invariant: of several edits of one message the newest counts, of several deletions the first.

use std::collections::HashMap;

use domain::ports::Appended;
use domain::words::{Entry, Kind, MessageId, RoomId};

/// The edits and deletions that a batch newly brought, one of each per message at most.
#[derive(Debug)]
pub(crate) struct Amendments<'a> {
    pub(crate) edits: Vec<Amendment<'a>>,
    pub(crate) deletions: Vec<Amendment<'a>>,
}

/// An entry and the message that it changes, which must stand in the entry's own room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amendment<'a> {
    pub(crate) target: MessageId,
    pub(crate) entry: &'a Entry,
}

type Chosen<'a> = HashMap<(&'a RoomId, MessageId), &'a Entry>;

impl<'a> Amendments<'a> {
    /// Looks at what was stored now: what was there before has changed its message already.
    pub(crate) fn of(entries: &'a [Entry], outcomes: &[Appended]) -> Self {
        let (mut edits, mut deletions) = (Chosen::new(), Chosen::new());
        for (entry, outcome) in entries.iter().zip(outcomes) {
            let Some(target) = entry.draft.target.filter(|_| *outcome == Appended::Stored) else { continue };
            match entry.draft.kind {
                Kind::Edit => choose(&mut edits, target, entry, |new, old| new > old),
                Kind::Delete => choose(&mut deletions, target, entry, |new, old| new < old),
                Kind::Message | Kind::React | Kind::Unreact => {}
            }
        }
        Self { edits: list(&edits), deletions: list(&deletions) }
    }

    /// Every change: its message may have bodies to erase.
    pub(crate) fn all(&self) -> impl Iterator<Item = Amendment<'a>> {
        self.edits.iter().chain(&self.deletions).copied()
    }
}

fn choose<'a>(chosen: &mut Chosen<'a>, target: MessageId, entry: &'a Entry, wins: fn(u64, u64) -> bool) {
    let place = chosen.entry((&entry.draft.room, target)).or_insert(entry);
    if wins(entry.position.seq, place.position.seq) {
        *place = entry;
    }
}

fn list<'a>(chosen: &Chosen<'a>) -> Vec<Amendment<'a>> {
    chosen.iter().map(|((_, target), entry)| Amendment { target: *target, entry }).collect()
}
