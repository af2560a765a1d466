//! One batch in memory: read, split in halves where it is refused, and its ends.
//!
//! Invariant: within a shard the entries stay in the journal's order, through every split.

use domain::ports::{Journal, PortError, Record, ShardLease};
use domain::words::{Entry, Timestamp};

use crate::holdings::{Cursor, Holdings, Offset};

/// Looks into the journal per batch at most: the first shares the batch out evenly, the others give what quiet shards left
/// over to the busy ones.
const LOOKS: usize = 3;

/// Where an entry was read.
#[derive(Debug, Clone)]
struct Place {
    lease: ShardLease,
    offset: Offset,
}

/// Entries that go into one transaction.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    places: Vec<Place>,
    entries: Vec<Entry>,
}

/// What one round of reading brought.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The entries.
    pub(crate) chunk: Chunk,
    /// Records that are no entries.
    pub(crate) broken: Vec<Record>,
    /// The last record read of each lease.
    pub(crate) ends: Vec<(ShardLease, Offset)>,
}

impl Batch {
    /// Reads up to `size` records over all shards held.
    pub(crate) async fn read(
        journal: &dyn Journal,
        holdings: &mut Holdings,
        size: usize,
    ) -> Result<Self, PortError> {
        let mut batch = Self::default();
        let mut cursors = holdings.cursors();
        for _ in 0..LOOKS {
            let left = size.saturating_sub(batch.len());
            cursors.truncate(left);
            if cursors.is_empty() {
                break;
            }
            let share = left / cursors.len();
            let records = journal.read(&cursors, share).await?;
            cursors.retain_mut(|cursor| advance(cursor, &records) >= share);
            batch.take(records, holdings);
        }
        Ok(batch)
    }

    /// Records in it.
    pub(crate) fn len(&self) -> usize {
        self.chunk.entries.len() + self.broken.len()
    }

    fn take(&mut self, records: Vec<Record>, holdings: &Holdings) {
        for record in records {
            let Some(lease) = holdings.lease(record.shard) else { continue };
            match self.ends.iter_mut().find(|(end, _)| *end == lease) {
                Some((_, end)) => *end = record.offset,
                None => self.ends.push((lease.clone(), record.offset)),
            }
            match record.entry {
                Ok(entry) => self.chunk.push(Place { lease, offset: record.offset }, entry),
                Err(_) => self.broken.push(record),
            }
        }
    }
}

/// Moves the cursor behind the last of its records; how many there were.
fn advance(cursor: &mut Cursor, records: &[Record]) -> usize {
    let own = records.iter().filter(|record| record.shard == cursor.0.shard);
    own.inspect(|record| cursor.1 = Some(record.offset)).count()
}

impl Chunk {
    fn push(&mut self, place: Place, entry: Entry) {
        self.places.push(place);
        self.entries.push(entry);
    }

    /// The entries, in order.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The leases under which they may be written.
    pub(crate) fn leases(&self) -> Vec<ShardLease> {
        let mut leases: Vec<_> = self.places.iter().map(|place| place.lease.clone()).collect();
        leases.sort_unstable_by_key(|lease| lease.shard);
        leases.dedup();
        leases
    }

    /// The first and the second half; `None` where there is nothing to divide: the whole comes back.
    pub(crate) fn split(mut self) -> Result<(Self, Self), Self> {
        if self.entries.len() < 2 {
            return Err(self);
        }
        let middle = self.entries.len() / 2;
        let second = Self { places: self.places.split_off(middle), entries: self.entries.split_off(middle) };
        Ok((self, second))
    }

    /// Drops the entries of every lease that is not held any more: they are another worker's now.
    pub(crate) fn keep_held(&mut self, holdings: &Holdings) {
        let mut kept =
            self.places.iter().map(|place| holdings.holds(&place.lease)).collect::<Vec<_>>().into_iter();
        self.entries.retain(|_| kept.next().unwrap_or(false));
        self.places.retain(|place| holdings.holds(&place.lease));
    }

    /// Its records again, for the dead letters.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        self.places.iter().zip(&self.entries).map(|(place, entry)| Record {
            shard: place.lease.shard,
            offset: place.offset,
            entry: Ok(entry.clone()),
        })
    }

    /// When the newest of them was sent.
    pub(crate) fn newest(&self) -> Option<Timestamp> {
        self.entries.iter().map(|entry| entry.draft.sent_at).max()
    }
}
