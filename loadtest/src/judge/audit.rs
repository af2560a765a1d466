//! The last word: every acknowledged message at every member exactly once, and in the database exactly once, at the
//! position that the clients saw. Pure comparison; waiting and reading are done elsewhere.

use std::collections::{HashMap, HashSet};

use crate::{
    judge::database::Row,
    judge::ledger::{Entry, Ledger},
    judge::room::{Room, lock},
    measure::tally::Tally,
    wire::dialect::Change,
    wire::message::{Author, Run},
};

/// The kind of a row that only holds a place in the order.
const VOID: &str = "void";
const MESSAGE: &str = "message";

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
            let acknowledged = ledger.expected(0, u64::MAX).filter(|(_, entry)| entry.acknowledged);
            for (seq, _) in acknowledged.filter(|(seq, _)| seat.lacks(*seq)) {
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
        let objections = compare_room(&room.ledger(), &rows, run);
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
    fn take(&mut self, row: &Row, fault: Fault) {
        match fault {
            Fault::None => {}
            Fault::Unseen => {
                self.unseen += 1;
                self.findings.push(format!("{} is in the database and no client saw it", row.seq));
            }
            Fault::Mismatched => {
                self.mismatched += 1;
                self.findings
                    .push(format!("{} (epoch {}) is stored otherwise than seen", row.seq, row.epoch));
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.mismatched += other.mismatched;
        self.unseen += other.unseen;
        self.holes += other.holes;
    }
}

fn compare_room(ledger: &Ledger, rows: &[&Row], run: &Run) -> Objections {
    let mut objections = Objections::default();
    let stored: HashSet<u64> = rows.iter().filter_map(|row| u64::try_from(row.seq).ok()).collect();
    let entries = ledger.entries();
    let authors: HashSet<Author> = entries.values().filter_map(|entry| entry.author).collect();
    for (seq, _) in entries.iter().filter(|(seq, entry)| entry.acknowledged && !stored.contains(seq)) {
        objections.missing += 1;
        objections.findings.push(format!("{seq} is acknowledged and not in the database"));
    }
    let mut seen = (HashSet::new(), HashSet::new(), HashSet::new());
    for row in rows.iter().filter(|row| row.kind != VOID) {
        let author = author_of(ledger, row, run);
        let fresh = [
            seen.0.insert(row.seq),
            seen.1.insert(row.id.as_str()),
            author.is_none_or(|author| seen.2.insert(author)),
        ];
        if fresh.contains(&false) {
            objections.doubled += 1;
            objections.findings.push(format!("{} is in the database again", row.seq));
        }
        let is_message = row.kind == MESSAGE;
        let known = author.is_some_and(|author| authors.contains(&author));
        objections.take(
            row,
            if is_message { judge_message(ledger, row, author, known) } else { judge_change(ledger, row) },
        );
    }
    objections.holes = count_holes(rows);
    if objections.holes > 0 {
        objections.findings.push(format!("{} numbers are missing in the database", objections.holes));
    }
    objections
}

fn author_of(ledger: &Ledger, row: &Row, run: &Run) -> Option<Author> {
    match row.client_id.as_deref() {
        Some(text) => run.author(text),
        // The row does not say it; what the clients heard at its position must do.
        None if !run.client_ids => entry_at(ledger, row)?.author,
        None => None,
    }
}

fn entry_at<'a>(ledger: &'a Ledger, row: &Row) -> Option<&'a Entry> {
    u64::try_from(row.seq).ok().and_then(|seq| ledger.entries().get(&seq))
}

/// What a row has against it.
#[derive(Clone, Copy)]
enum Fault {
    None,
    Unseen,
    Mismatched,
}

/// `known`: the clients know a message of that author and number, wherever it stands.
fn judge_message(ledger: &Ledger, row: &Row, author: Option<Author>, known: bool) -> Fault {
    let id = u128::from_str_radix(&row.id, 16).ok();
    let withdrawn = id.is_some_and(|id| ledger.is_asked(Change::Deleted, id));
    let Some(entry) = entry_at(ledger, row) else {
        return if known { Fault::Mismatched } else { Fault::Unseen };
    };
    let user = author.is_none_or(|author| row.user_id == format!("u{}", author.user));
    // Of what was withdrawn early perhaps nobody saw the author.
    let authors_agree = author == entry.author || (entry.author.is_none() && withdrawn);
    let agrees =
        id == Some(entry.id) && entry.change.is_none() && authors_agree && user && same_epoch(entry, row);
    if agrees && (withdrawn || !row.deleted) { Fault::None } else { Fault::Mismatched }
}

/// A change that no client saw was at least asked for: its author may have lost the connection on the way.
fn judge_change(ledger: &Ledger, row: &Row) -> Fault {
    let change = match row.kind.as_str() {
        "edit" => Change::Edited,
        "delete" => Change::Deleted,
        "react" | "unreact" => Change::Reacted,
        _ => return Fault::Unseen,
    };
    let target = row.target.as_deref().and_then(|target| u128::from_str_radix(target, 16).ok());
    let asked = target.is_some_and(|target| ledger.is_asked(change, target));
    match entry_at(ledger, row) {
        None if asked => Fault::None,
        None => Fault::Unseen,
        Some(entry) => {
            let alike = entry.author.is_none() && entry.change.is_none_or(|seen| seen == change);
            let agrees = asked && alike && target == Some(entry.id) && same_epoch(entry, row);
            if agrees { Fault::None } else { Fault::Mismatched }
        }
    }
}

fn same_epoch(entry: &Entry, row: &Row) -> bool {
    entry.epoch.is_none_or(|seen| Some(seen) == u64::try_from(row.epoch).ok())
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
    use crate::wire::message::Heard;

    fn heard(seq: u64, id: u128, author: Option<Author>) -> Heard {
        Heard { seq, id, author, stamp: None }
    }

    fn entries(count: u64) -> Ledger {
        let mut ledger = Ledger::default();
        for seq in 1..=count {
            let author = Some(Author { user: 1, number: seq as u32 });
            ledger.witness(&heard(seq, seq.into(), author), Some(1));
            ledger.acknowledge(seq);
        }
        ledger
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
            target: None,
            deleted: false,
        }
    }

    fn change(seq: i64, kind: &str, target: i64) -> Row {
        let target = Some(format!("{target:032x}"));
        Row { kind: kind.into(), target, client_id: None, id: format!("{:032x}", 1000 + seq), ..row(seq) }
    }

    fn compare(ledger: &Ledger, rows: &[Row]) -> [u64; 5] {
        let run = Run { id: "run".into(), client_ids: true };
        let objections = compare_room(ledger, &rows.iter().collect::<Vec<_>>(), &run);
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
        let mut ledger = entries(2);
        ledger.witness(&heard(3, 3, Some(Author { user: 1, number: 3 })), Some(1));
        assert_eq!(compare(&ledger, &[row(1), row(2)]), [0; 5]);
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
        let mut ledger = entries(1);
        ledger.witness(&heard(3, 3, Some(Author { user: 1, number: 3 })), Some(1));
        assert_eq!(compare(&ledger, &[row(1), void, row(3)]), [0; 5]);
    }

    #[test]
    fn a_later_epoch_may_begin_anywhere_above() {
        let later = |seq| Row { epoch: 2, ..row(seq) };
        let rows = [row(1), row(2), later(1000), later(1001), later(1003)];
        assert_eq!(count_holes(&rows.iter().collect::<Vec<_>>()), 1);
    }

    #[test]
    fn changes_that_were_asked_for_are_no_mismatch_whether_seen_or_not() {
        let mut ledger = entries(2);
        ledger.ask(Change::Edited, 1);
        ledger.ask(Change::Deleted, 2);
        ledger.witness_change(&heard(3, 1, None), 1, Change::Edited);
        let rows = [row(1), Row { deleted: true, ..row(2) }, change(3, "edit", 1), change(4, "delete", 2)];
        assert_eq!(compare(&ledger, &rows), [0; 5]);
    }

    #[test]
    fn what_nobody_asked_to_change_is_a_mismatch_or_unseen() {
        let withdrawn = Row { deleted: true, ..row(2) };
        assert_eq!(compare(&entries(2), &[row(1), withdrawn]), [0, 0, 1, 0, 0], "a tombstone by nobody");
        assert_eq!(compare(&entries(2), &[row(1), row(2), change(3, "edit", 1)]), [0, 0, 0, 1, 0]);
        let mut ledger = entries(2);
        ledger.ask(Change::Edited, 1);
        ledger.witness_change(&heard(3, 1, None), 1, Change::Edited);
        assert_eq!(compare(&ledger, &[row(1), row(2), change(3, "edit", 2)]), [0, 0, 1, 0, 0], "of another");
        assert_eq!(
            compare(&ledger, &[row(1), row(2), change(3, "react", 1)]),
            [0, 0, 1, 0, 0],
            "of another kind"
        );
    }
}
