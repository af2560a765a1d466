//! Notes: small values that lapse. Pure: the clock is handed in.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// Notes that are kept at once; beyond it the one that would lapse first goes.
const NOTES: usize = 65_536;
/// The clock reaches no further than this, nor does any note.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// All notes of one process.
#[derive(Default)]
pub(super) struct NoteBook {
    notes: HashMap<String, (Bytes, Instant), ahash::RandomState>,
    // The same by the instant at which they lapse.
    lapses: BTreeSet<(Instant, String)>,
}

impl NoteBook {
    pub(super) fn keep(&mut self, key: &str, value: Bytes, ttl: Duration, now: Instant) {
        let until = now + ttl.min(LONGEST);
        self.forget(key);
        self.notes.insert(key.to_owned(), (value, until));
        self.lapses.insert((until, key.to_owned()));
        while self.lapses.first().is_some_and(|(until, _)| *until <= now || self.lapses.len() > NOTES) {
            if let Some((_, lapsed)) = self.lapses.pop_first() {
                self.notes.remove(&lapsed);
            }
        }
    }

    /// Keeps it, unless something is kept there: then that is returned.
    pub(super) fn claim(&mut self, key: &str, value: Bytes, ttl: Duration, now: Instant) -> Option<Bytes> {
        let kept = self.recall(key, now);
        if kept.is_none() {
            self.keep(key, value, ttl, now);
        }
        kept
    }

    pub(super) fn recall(&self, key: &str, now: Instant) -> Option<Bytes> {
        let (value, until) = self.notes.get(key)?;
        (*until > now).then(|| value.clone())
    }

    pub(super) fn forget(&mut self, key: &str) {
        if let Some((_, until)) = self.notes.remove(key) {
            self.lapses.remove(&(until, key.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(1);

    #[test]
    fn a_note_is_recalled_until_the_very_instant_it_lapses_and_then_makes_room() {
        let (mut book, start) = (NoteBook::default(), Instant::now());
        book.keep("a", Bytes::from_static(b"1"), TTL, start);
        let last = start + TTL - Duration::from_millis(1);
        assert_eq!(book.recall("a", last), Some(Bytes::from_static(b"1")));
        assert_eq!(book.recall("a", start + TTL), None);
        book.keep("b", Bytes::new(), TTL, start + TTL);
        assert_eq!((book.notes.len(), book.lapses.len()), (1, 1));
    }

    #[test]
    fn beyond_the_bound_the_note_that_lapses_first_goes() {
        let (mut book, now) = (NoteBook::default(), Instant::now());
        for number in 0..=NOTES {
            book.keep(&number.to_string(), Bytes::new(), TTL + Duration::from_secs(number as u64), now);
        }
        assert_eq!((book.notes.len(), book.lapses.len()), (NOTES, NOTES));
        assert_eq!(book.recall("0", now), None);
        assert!(book.recall("1", now).is_some());
    }
}
