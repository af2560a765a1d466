//! One batch in memory: read, split in halves where it is refused, and its ends.
//!
//! Invariants: within a shard the entries stay in the journal's order, through every split; what was read counts only
//! where it goes on exactly behind what is committed.

use std::collections::BTreeMap;

use domain::ports::{Journal, PortError, Record, ShardLease};
use domain::words::{Entry, Timestamp};

use crate::holdings::{Cursor, Holdings, Offset};

/// Entries from which on a second transaction pays.
const APART: usize = 500;

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

/// What one look into the journal gave. Time may pass before it becomes a batch.
#[derive(Debug)]
pub(crate) struct Look {
    cursors: Vec<Cursor>,
    records: Vec<Record>,
}

impl Look {
    /// Up to `size` records behind the cursors: a fair share of each, and what quiet shards leave over to the busy ones.
    pub(crate) async fn take(
        journal: &dyn Journal,
        mut cursors: Vec<Cursor>,
        size: usize,
    ) -> Result<Self, PortError> {
        cursors.truncate(size);
        let records = if cursors.is_empty() { Vec::new() } else { journal.read(&cursors, size).await? };
        Ok(Self { cursors, records })
    }

    /// Everything in it that is next to be written. A shard that was lost since, or is read from its beginning again, is
    /// left out.
    pub(crate) fn into_batch(mut self, holdings: &Holdings) -> Batch {
        self.cursors.retain(|cursor| holdings.ends_at(cursor));
        let mut batch = Batch::default();
        for record in self.records {
            if let Some((lease, _)) = self.cursors.iter().find(|(lease, _)| lease.shard == record.shard) {
                batch.push(lease, record);
            }
        }
        batch
    }
}

impl Batch {
    /// Records in it.
    pub(crate) fn len(&self) -> usize {
        self.chunk.entries.len() + self.broken.len()
    }

    fn push(&mut self, lease: &ShardLease, record: Record) {
        match self.ends.iter_mut().find(|(end, _)| end == lease) {
            Some((_, end)) => *end = record.offset,
            None => self.ends.push((lease.clone(), record.offset)),
        }
        match record.entry {
            Ok(entry) => self.chunk.push(Place { lease: lease.clone(), offset: record.offset }, entry),
            Err(_) => self.broken.push(record),
        }
    }
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

    /// Two parts that may be written side by side, since no shard and so no room is in both. The second one is empty
    /// where that is not worth a transaction.
    pub(crate) fn apart(self) -> (Self, Self) {
        if self.entries.len() < APART {
            return (self, Self::default());
        }
        let mut parts = [Self::default(), Self::default()];
        let mut homes = BTreeMap::new();
        for (place, entry) in self.places.into_iter().zip(self.entries) {
            // A shard that comes up goes where there is less so far.
            let lighter = usize::from(parts[1].entries.len() < parts[0].entries.len());
            let home = *homes.entry(place.lease.shard).or_insert(lighter);
            parts[home].push(place, entry);
        }
        let [first, second] = parts;
        (first, second)
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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use domain::words::{Author, Draft, Kind, MessageId, Position, RoomId, Sealed, UserId};

    fn record(shard: u16, place: u64) -> Record {
        Record { shard, offset: (place, 0), entry: Err((Bytes::new(), String::new())) }
    }

    fn lease(shard: u16, fence: u64) -> ShardLease {
        ShardLease { shard, fence }
    }

    #[test]
    fn what_was_read_ahead_counts_only_behind_what_is_committed() {
        let mut holdings = Holdings::default();
        let all = [lease(1, 1), lease(2, 1), lease(3, 1), lease(4, 1)];
        holdings.follow(&all);
        let ends = all.clone().map(|lease| (lease, (5, 0)));
        let cursors = holdings.cursors_behind(&ends);
        let look = Look { cursors, records: (1..=4).map(|shard| record(shard, 6)).collect() };
        // 1 is written, 2 is lost, 3 is lost and held again, 4 was not written.
        holdings.follow(&[lease(1, 1), lease(4, 1)]);
        holdings.follow(&[lease(1, 1), lease(3, 2), lease(4, 1)]);
        for (lease, end) in &ends[..3] {
            holdings.commit(lease, *end);
        }
        let batch = look.into_batch(&holdings);
        assert_eq!(batch.ends, [(lease(1, 1), (6, 0))]);
        assert_eq!(batch.broken, [record(1, 6)]);
    }

    fn chunk(shards: impl IntoIterator<Item = u16>) -> Chunk {
        let draft = Draft {
            room: RoomId::parse("room:7").unwrap(),
            id: MessageId::new(),
            kind: Kind::Message,
            target: None,
            author: Author { user: UserId::text("anna").unwrap(), name: None },
            client_id: None,
            sent_at: Timestamp(0),
            origin: None,
            body: Sealed { key: None, bytes: Bytes::new() },
        };
        let mut chunk = Chunk::default();
        for (shard, seq) in shards.into_iter().zip(1..) {
            let entry = Entry { position: Position { epoch: 1, seq }, draft: draft.clone() };
            chunk.push(Place { lease: lease(shard, 1), offset: (seq, 0) }, entry);
        }
        chunk
    }

    #[test]
    fn no_shard_is_in_both_parts_and_each_stays_in_order() {
        let sizes = [(3, 300), (1, 100), (7, 150), (9, 50)];
        let whole = chunk(sizes.iter().flat_map(|(shard, size)| std::iter::repeat_n(*shard, *size)));
        let (first, second) = whole.apart();
        assert_eq!((first.entries.len(), second.entries.len()), (300, 300));
        assert_eq!(
            (first.leases(), second.leases()),
            (vec![lease(3, 1)], vec![lease(1, 1), lease(7, 1), lease(9, 1)])
        );
        for part in [first, second] {
            assert!(part.places.is_sorted_by_key(|place| place.offset));
            let numbers = part.entries.iter().map(|entry| entry.position.seq);
            assert!(numbers.eq(part.places.iter().map(|place| place.offset.0)), "an entry keeps its place");
        }
        let (few, none) = chunk([1, 2, 3]).apart();
        assert_eq!((few.entries.len(), none.entries.len()), (3, 0));
    }
}
