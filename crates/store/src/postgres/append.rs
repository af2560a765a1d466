//! Writing a batch to Postgres: one transaction, a handful of statements, however many entries.
//!
//! Entries are taken to be new. Only where something of a batch is there already, since a crash let it come again, is it
//! written anew by a statement that asks about every row. Invariants: a former lease holder writes nothing; a position is
//! never written twice nor left out; no statement per row.

use std::collections::{HashMap, HashSet};

use domain::ports::{Appended, PortError, ShardLease};
use domain::words::{Entry, MessageId};
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::columns::Columns;
use crate::amendment::{Amendment, Amendments};
use crate::failure::Failure;
use crate::row::signed;

/// Locks each shard's row until the end, so two holders of one shard never write side by side. Sorted, so that two
/// workers with overlapping leases cannot wait for each other in a ring.
const FENCE: &str = "
    INSERT INTO shards (shard, fence)
    SELECT shard, max(fence) FROM UNNEST($1::integer[], $2::bigint[]) AS l (shard, fence) GROUP BY shard ORDER BY shard
    ON CONFLICT (shard) DO UPDATE SET fence = excluded.fence WHERE shards.fence <= excluded.fence";

/// Writes all, or fails where anything stands in the way. Asking about each row and telling of it, as [`INSERT`] does,
/// costs a third more.
const NEW: &str = "
    INSERT INTO messages (room, seq, epoch, id, kind, target_id, user_id, user_numeric, username, client_id,
                          body, key_id, sent_at)
    SELECT room, seq, epoch, id, kind, target_id, user_id, user_numeric, username, client_id, body, key_id,
           timestamptz 'epoch' + sent_at * interval '1 millisecond'
    FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::boolean[],
                $9::text[], $10::text[], $11::bytea[], $12::text[], $13::bigint[])
         AS e (room, seq, epoch, id, kind, target_id, user_id, user_numeric, username, client_id, body, key_id, sent_at)";

/// Writes what is new, in the order given, and says what it wrote.
const INSERT: &str = "
    INSERT INTO messages (room, seq, epoch, id, kind, target_id, user_id, user_numeric, username, client_id,
                          body, key_id, sent_at)
    SELECT room, seq, epoch, id, kind, target_id, user_id, user_numeric, username, client_id, body, key_id,
           timestamptz 'epoch' + sent_at * interval '1 millisecond'
    FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::boolean[],
                $9::text[], $10::text[], $11::bytea[], $12::text[], $13::bigint[])
         WITH ORDINALITY AS e (room, seq, epoch, id, kind, target_id, user_id, user_numeric, username, client_id,
                               body, key_id, sent_at, place)
    ORDER BY place
    ON CONFLICT DO NOTHING
    RETURNING room, seq, id";

/// Which ids stand at these positions.
const STANDING: &str = "
    SELECT m.id FROM UNNEST($1::text[], $2::bigint[]) WITH ORDINALITY AS e (room, seq, place)
    LEFT JOIN messages m ON m.room = e.room AND m.seq = e.seq
    ORDER BY e.place";

/// The arguments of the three amendments below are rooms, targets, seqs, then times, bodies, keys.
const EDIT: &str = "
    UPDATE messages m SET body = c.body, key_id = c.key_id, edited_seq = c.seq,
                          edited_at = timestamptz 'epoch' + c.at * interval '1 millisecond'
    FROM UNNEST($1::text[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bytea[], $6::text[])
         AS c (room, target, seq, at, body, key_id)
    WHERE m.id = c.target AND m.room = c.room AND m.kind = 'message' AND m.deleted_at IS NULL
      AND m.seq < c.seq AND coalesce(m.edited_seq, 0) < c.seq";

const DELETE: &str = "
    UPDATE messages m SET body = '', key_id = NULL,
                          deleted_at = timestamptz 'epoch' + c.at * interval '1 millisecond'
    FROM UNNEST($1::text[], $2::uuid[], $3::bigint[], $4::bigint[]) AS c (room, target, seq, at)
    WHERE m.id = c.target AND m.room = c.room AND m.kind = 'message' AND m.deleted_at IS NULL AND m.seq < c.seq";

/// Takes the text out of every edit of a deleted message, those that came after the deletion too.
const ERASE: &str = "
    UPDATE messages e SET body = '', key_id = NULL
    FROM UNNEST($1::uuid[]) AS c (target)
    JOIN messages m ON m.id = c.target AND m.kind = 'message' AND m.deleted_at IS NOT NULL
    WHERE e.target_id = c.target AND e.room = m.room AND e.kind = 'edit' AND e.body <> ''";

/// How the entries go in.
#[derive(Clone, Copy)]
enum Road {
    /// All are new, or the transaction fails.
    Straight,
    /// Each may be there already.
    Careful,
}

/// All of it or nothing.
pub(super) async fn append(
    connection: &mut PgConnection,
    leases: &[ShardLease],
    entries: &[Entry],
) -> Result<Vec<Appended>, Failure> {
    match write(connection, leases, entries, Road::Straight).await {
        Err(failure) if failure.is_repetition() => write(connection, leases, entries, Road::Careful).await,
        answer => answer,
    }
}

async fn write(
    connection: &mut PgConnection,
    leases: &[ShardLease],
    entries: &[Entry],
    road: Road,
) -> Result<Vec<Appended>, Failure> {
    let mut transaction = connection.begin().await?;
    fence(&mut transaction, leases).await?;
    let outcomes = match road {
        Road::Straight => straight(&mut transaction, entries).await?,
        Road::Careful => insert(&mut transaction, entries).await?,
    };
    amend(&mut transaction, &Amendments::of(entries, &outcomes)).await?;
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(outcomes)
}

async fn straight(connection: &mut PgConnection, entries: &[Entry]) -> Result<Vec<Appended>, Failure> {
    if !entries.is_empty() {
        Columns::of(entries)?.bind(sqlx::query(NEW)).execute(connection).await?;
    }
    Ok(vec![Appended::Stored; entries.len()])
}

async fn fence(connection: &mut PgConnection, leases: &[ShardLease]) -> Result<(), Failure> {
    let shards: HashSet<u16> = leases.iter().map(|lease| lease.shard).collect();
    if shards.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i32> = leases.iter().map(|lease| i32::from(lease.shard)).collect();
    let fences = leases.iter().map(|lease| signed(lease.fence)).collect::<Result<Vec<_>, _>>()?;
    let done = sqlx::query(FENCE).bind(numbers).bind(fences).execute(connection).await?;
    if done.rows_affected() < shards.len() as u64 {
        return Err(PortError::Fenced.into());
    }
    Ok(())
}

async fn insert(connection: &mut PgConnection, entries: &[Entry]) -> Result<Vec<Appended>, Failure> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let written = Columns::of(entries)?.bind(sqlx::query(INSERT)).fetch_all(&mut *connection).await?;
    if written.len() == entries.len() {
        return Ok(vec![Appended::Stored; entries.len()]);
    }
    let mut stored = HashSet::with_capacity(written.len());
    for row in written {
        stored.insert((row.try_get::<String, _>(0)?, row.try_get::<i64, _>(1)?, row.try_get::<Uuid, _>(2)?));
    }
    classify(connection, entries, stored).await
}

/// What became of each entry where some were not written. Those whose place is free were numbered by mistake: a void row
/// takes the place.
async fn classify(
    connection: &mut PgConnection,
    entries: &[Entry],
    mut stored: HashSet<(String, i64, Uuid)>,
) -> Result<Vec<Appended>, Failure> {
    let mut standing = standing(connection, entries).await?;
    let mut outcomes = Vec::with_capacity(entries.len());
    let mut voids: Vec<&Entry> = Vec::new();
    for entry in entries {
        let place = (entry.draft.room.key(), entry.position.seq);
        let key = (place.0.to_owned(), signed(place.1)?, entry.draft.id.0);
        outcomes.push(match standing.get(&place) {
            // Taken out, so that the same entry twice in one batch is stored once.
            Some(_) if stored.remove(&key) => Appended::Stored,
            Some(id) if *id == entry.draft.id => Appended::Replayed,
            Some(_) => Appended::Conflict,
            None => {
                standing.insert(place, entry.draft.id);
                voids.push(entry);
                Appended::Repeated
            }
        });
    }
    if !voids.is_empty() {
        Columns::void(voids)?.bind(sqlx::query(INSERT)).execute(connection).await?;
    }
    Ok(outcomes)
}

type Place<'a> = (&'a str, u64);

async fn standing<'a>(
    connection: &mut PgConnection,
    entries: &'a [Entry],
) -> Result<HashMap<Place<'a>, MessageId>, Failure> {
    let rooms: Vec<&str> = entries.iter().map(|entry| entry.draft.room.key()).collect();
    let seqs = entries.iter().map(|entry| signed(entry.position.seq)).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<Option<Uuid>> =
        sqlx::query_scalar(STANDING).bind(rooms).bind(seqs).fetch_all(connection).await?;
    let places = entries.iter().map(|entry| (entry.draft.room.key(), entry.position.seq));
    Ok(places.zip(ids).filter_map(|(place, id)| Some((place, MessageId(id?)))).collect())
}

async fn amend(connection: &mut PgConnection, changes: &Amendments<'_>) -> Result<(), Failure> {
    if !changes.edits.is_empty() {
        let bodies: Vec<&[u8]> = changes.edits.iter().map(|edit| &*edit.entry.draft.body.bytes).collect();
        let keys: Vec<Option<&str>> = changes
            .edits
            .iter()
            .map(|edit| edit.entry.draft.body.key.as_ref().map(|key| key.as_str()))
            .collect();
        aimed(EDIT, &changes.edits)?.bind(bodies).bind(keys).execute(&mut *connection).await?;
    }
    if !changes.deletions.is_empty() {
        aimed(DELETE, &changes.deletions)?.execute(&mut *connection).await?;
    }
    let targets: Vec<Uuid> = changes.all().map(|change| change.target.0).collect();
    if !targets.is_empty() {
        sqlx::query(ERASE).bind(targets).execute(connection).await?;
    }
    Ok(())
}

type Statement<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// `statement` with the places and times of these changes bound.
fn aimed<'q>(statement: &'static str, changes: &[Amendment<'q>]) -> Result<Statement<'q>, PortError> {
    let rooms: Vec<&str> = changes.iter().map(|change| change.entry.draft.room.key()).collect();
    let targets: Vec<Uuid> = changes.iter().map(|change| change.target.0).collect();
    let seqs =
        changes.iter().map(|change| signed(change.entry.position.seq)).collect::<Result<Vec<_>, _>>()?;
    let times: Vec<i64> = changes.iter().map(|change| change.entry.draft.sent_at.0).collect();
    Ok(sqlx::query(statement).bind(rooms).bind(targets).bind(seqs).bind(times))
}
