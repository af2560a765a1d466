//! The last word: every acknowledged message at every member exactly once, and in the database exactly once, at the
//! position that the clients saw. Pure comparison; waiting and reading are done elsewhere.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    judge::database::Row,
    judge::ledger::Entry,
    judge::room::{Room, lock},
    measure::tally::Tally,
    wire::message::{Author, Run},
};

/// The kind of a row that only holds a place in the order.
const VOID: &str = "void";

/// What a room's rows have against them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Objections {
    missing: u64,
    doubled: u64,
    mismatched: u64,
    unseen: u64,
    holes: u64,
    /// In words, one per objection.
    findings: Vec<String>,
}

/// Counts acknowledged messages that a member does not have, one per member and message.
pub(crate) fn count_lost(rooms: &[Room], tally: &Tally) {
    let mut lost = 0;
    for room in rooms {
        let ledger = room.ledger();
        for (user, seat) in &room.seats {
            let seat = lock(seat);
            let acknowledged = ledger.entries().iter().filter(|(_, entry)| entry.acknowledged);
            for (seq, _) in acknowledged.filter(|(seq, _)| seat.lacks(**seq)) {
                lost += 1;
                tally.finding(|| format!("{}: user {user} never received {seq}", room.name));
            }
        }
    }
    tally.lost.set(lost);
}

/// Compares all rooms with the rows of the database, which are sorted by room.
pub(crate) fn compare_database(rooms: &[Room], rows: &[Row], run: &Run, tally: &Tally) {
    let mut by_room: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows {
        by_room.entry(row.room.strip_prefix("room:").unwrap_or(&row.room)).or_default().push(row);
    }
    let mut total = Objections::default();
    for room in rooms {
        let rows = by_room.remove(room.name.as_str()).unwrap_or_default();
        let objections = compare_room(room.ledger().entries(), &rows, run);
        total.add(&objections);
        objections.findings.into_iter().for_each(|text| tally.finding(|| format!("{}: {text}", room.name)));
    }
    total.unseen += by_room.values().map(|rows| rows.len() as u64).sum::<u64>();
    tally.missing_in_database.set(total.missing);
    tally.doubled_in_database.set(total.doubled);
    tally.mismatched_in_database.set(total.mismatched);
    tally.unseen_in_database.set(total.unseen);
    tally.holes_in_database.set(total.holes);
    tally.rows_in_database.set(rows.len() as u64);
}

impl Objections {
    fn add(&mut self, other: &Self) {
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.mismatched += other.mismatched;
        self.unseen += other.unseen;
        self.holes += other.holes;
    }
}

fn compare_room(entries: &BTreeMap<u64, Entry>, rows: &[&Row], run: &Run) -> Objections {
    let mut objections = Objections::default();
    let stored: HashSet<u64> = rows.iter().filter_map(|row| u64::try_from(row.seq).ok()).collect();
    let authors: HashMap<Author, u64> =
        entries.iter().filter_map(|(seq, entry)| Some((entry.author?, *seq))).collect();
    for (seq, _) in entries.iter().filter(|(seq, entry)| entry.acknowledged && !stored.contains(seq)) {
        objections.missing += 1;
        objections.findings.push(format!("{seq} is acknowledged and not in the database"));
    }
    let mut seen = (HashSet::new(), HashSet::new(), HashSet::new());
    for row in rows.iter().filter(|row| row.kind != VOID) {
        let author = match row.client_id.as_deref() {
            Some(text) => run.author(text),
            // The row does not say it; what the clients heard at its position must do.
            None if !run.client_ids => author_at(entries, row),
            None => None,
        };
        let fresh = [
            seen.0.insert(row.seq),
            seen.1.insert(row.id.as_str()),
            author.is_none_or(|author| seen.2.insert(author)),
        ];
        if fresh.contains(&false) {
            objections.doubled += 1;
            objections.findings.push(format!("{} is in the database again", row.seq));
        }
        compare_row(entries, row, author, &authors, &mut objections);
    }
    objections.holes = count_holes(rows);
    if objections.holes > 0 {
        objections.findings.push(format!("{} numbers are missing in the database", objections.holes));
    }
    objections
}

fn author_at(entries: &BTreeMap<u64, Entry>, row: &Row) -> Option<Author> {
    u64::try_from(row.seq).ok().and_then(|seq| entries.get(&seq))?.author
}

fn compare_row(
    entries: &BTreeMap<u64, Entry>,
    row: &Row,
    author: Option<Author>,
    authors: &HashMap<Author, u64>,
    objections: &mut Objections,
) {
    let entry = u64::try_from(row.seq).ok().and_then(|seq| entries.get(&seq));
    match entry {
        Some(entry) if agrees(entry, row, author) => {}
        None if author.is_none_or(|author| !authors.contains_key(&author)) => {
            objections.unseen += 1;
            objections.findings.push(format!("{} is in the database and no client saw it", row.seq));
        }
        Some(_) | None => {
            objections.mismatched += 1;
            objections
                .findings
                .push(format!("{} (epoch {}) is stored otherwise than seen", row.seq, row.epoch));
        }
    }
}

fn agrees(entry: &Entry, row: &Row, author: Option<Author>) -> bool {
    let id = u128::from_str_radix(&row.id, 16).ok();
    let epoch = u64::try_from(row.epoch).ok();
    let user = author.is_none_or(|author| row.user_id == format!("u{}", author.user));
    id == Some(entry.id)
        && author == entry.author
        && user
        && entry.epoch.is_none_or(|seen| Some(seen) == epoch)
}

/// Numbers missing inside an epoch. The first epoch of a room begins at 1; a later one begins anywhere above.
fn count_holes(rows: &[&Row]) -> u64 {
    let mut positions: Vec<(i64, i64)> = rows.iter().map(|row| (row.epoch, row.seq)).collect();
    positions.sort_unstable();
    positions.dedup();
    let start = positions.first().filter(|(epoch, _)| *epoch == 1).map_or(0, |(_, seq)| seq - 1);
    let inside =
        positions.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1 - pair[0].1 - 1);
    u64::try_from(start + inside.sum::<i64>()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: u64) -> BTreeMap<u64, Entry> {
        let entry = |seq: u64| {
            let author = Some(Author { user: 1, number: seq as u32 });
            (seq, Entry { id: u128::from(seq), author, epoch: Some(1), acknowledged: true })
        };
        (1..=count).map(entry).collect()
    }

    fn row(seq: i64) -> Row {
        Row {
            room: "room:r".into(),
            epoch: 1,
            seq,
            id: format!("{seq:032x}"),
            user_id: "u1".into(),
            client_id: Some(format!("run-1-{seq}")),
            kind: "message".into(),
        }
    }

    fn compare(entries: &BTreeMap<u64, Entry>, rows: &[Row]) -> [u64; 5] {
        let run = Run { id: "run".into(), client_ids: true };
        let objections = compare_room(entries, &rows.iter().collect::<Vec<_>>(), &run);
        [objections.missing, objections.doubled, objections.mismatched, objections.unseen, objections.holes]
    }

    #[test]
    fn equal_books_have_no_objection() {
        assert_eq!(compare(&entries(3), &[row(1), row(2), row(3)]), [0; 5]);
    }

    #[test]
    fn a_missing_row_is_missing_and_a_hole() {
        assert_eq!(compare(&entries(3), &[row(1), row(3)]), [1, 0, 0, 0, 1]);
        assert_eq!(compare(&entries(3), &[row(2), row(3)]), [1, 0, 0, 0, 1]);
        assert_eq!(compare(&entries(3), &[row(1), row(2)]), [1, 0, 0, 0, 0]);
    }

    #[test]
    fn an_unacknowledged_message_need_not_be_stored() {
        let mut entries = entries(3);
        entries.get_mut(&3).unwrap().acknowledged = false;
        assert_eq!(compare(&entries, &[row(1), row(2)]), [0; 5]);
    }

    #[test]
    fn a_row_that_nobody_saw_is_unseen() {
        assert_eq!(compare(&entries(2), &[row(1), row(2), row(3)]), [0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_message_stored_twice_is_doubled() {
        assert_eq!(compare(&entries(2), &[row(1), row(2), row(2)]), [0, 1, 0, 0, 0]);
        let again = Row { seq: 3, ..row(2) };
        assert_eq!(compare(&entries(2), &[row(1), row(2), again]), [0, 1, 1, 0, 0]);
    }

    #[test]
    fn a_row_with_another_epoch_id_user_or_client_id_is_a_mismatch() {
        let others = [
            Row { epoch: 2, ..row(2) },
            Row { id: format!("{:032x}", 9), ..row(2) },
            Row { user_id: "u2".into(), ..row(2) },
            Row { client_id: None, ..row(2) },
        ];
        for other in others {
            assert_eq!(compare(&entries(2), &[row(1), other.clone()]), [0, 0, 1, 0, 0], "{other:?}");
        }
    }

    #[test]
    fn where_there_are_no_client_ids_the_position_says_whose_row_it_is() {
        let run = Run { id: "run".into(), client_ids: false };
        let unnamed = |seq| Row { client_id: None, ..row(seq) };
        let rows = [unnamed(1), Row { user_id: "u2".into(), ..unnamed(2) }];
        let objections = compare_room(&entries(2), &rows.iter().collect::<Vec<_>>(), &run);
        assert_eq!([objections.doubled, objections.mismatched, objections.unseen], [0, 1, 0]);
    }

    #[test]
    fn a_void_row_fills_its_place_and_is_no_message() {
        let void = Row { kind: "void".into(), client_id: None, ..row(2) };
        let mut entries = entries(3);
        entries.remove(&2);
        assert_eq!(compare(&entries, &[row(1), void, row(3)]), [0; 5]);
    }

    #[test]
    fn a_later_epoch_may_begin_anywhere_above() {
        let later = |seq| Row { epoch: 2, ..row(seq) };
        let rows = [row(1), row(2), later(1000), later(1001), later(1003)];
        assert_eq!(count_holes(&rows.iter().collect::<Vec<_>>()), 1);
    }
}
