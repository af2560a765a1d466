//! Writing a batch to SQLite: one transaction that has the write lock from its first statement, one prepared statement
//! per row (there is no network between).
//!
//! Invariants: as on Postgres. A former lease holder writes nothing; a position is never written twice nor left out.

use domain::ports::{Appended, PortError, ShardLease};
use domain::words::Entry;
use sqlx::{Connection, SqliteConnection};
use uuid::Uuid;

use crate::amendment::{Amendment, Amendments};
use crate::failure::Failure;
use crate::row::signed;

const FENCE: &str = "
    INSERT INTO shards (shard, fence) VALUES ($1, $2)
    ON CONFLICT (shard) DO UPDATE SET fence = excluded.fence WHERE shards.fence <= excluded.fence";

const INSERT: &str = "
    INSERT INTO messages (room, seq, epoch, id, kind, target_id, user_id, user_numeric, username, client_id,
                          body, key_id, sent_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT DO NOTHING";

const STANDING: &str = "SELECT id FROM messages WHERE room = $1 AND seq = $2";

// The indices are partial: `kind <> 'void'` must stand in a statement for SQLite to use them.

const EDIT: &str = "
    UPDATE messages SET edited_seq = $3, edited_at = $4, body = $5, key_id = $6
    WHERE id = $2 AND kind <> 'void' AND kind = 'message' AND room = $1 AND deleted_at IS NULL
      AND seq < $3 AND coalesce(edited_seq, 0) < $3";

const DELETE: &str = "
    UPDATE messages SET deleted_at = $4, body = x'', key_id = NULL
    WHERE id = $2 AND kind <> 'void' AND kind = 'message' AND room = $1 AND deleted_at IS NULL AND seq < $3";

/// Takes the text out of every edit of a deleted message, those that came after the deletion too.
const ERASE: &str = "
    UPDATE messages SET body = x'', key_id = NULL
    WHERE target_id = $2 AND room = $1 AND kind = 'edit' AND body <> x'' AND EXISTS (
        SELECT 1 FROM messages m
        WHERE m.id = $2 AND m.kind <> 'void' AND m.kind = 'message' AND m.room = $1 AND m.deleted_at IS NOT NULL)";

/// All of it or nothing.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    leases: &[ShardLease],
    entries: &[Entry],
) -> Result<Vec<Appended>, Failure> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for lease in leases {
        fence(&mut transaction, lease).await?;
    }
    let mut outcomes = Vec::with_capacity(entries.len());
    for entry in entries {
        outcomes.push(append_one(&mut transaction, entry).await?);
    }
    amend(&mut transaction, &Amendments::of(entries, &outcomes)).await?;
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(outcomes)
}

async fn fence(connection: &mut SqliteConnection, lease: &ShardLease) -> Result<(), Failure> {
    let query = sqlx::query(FENCE).bind(i64::from(lease.shard)).bind(signed(lease.fence)?);
    if query.execute(connection).await?.rows_affected() == 0 {
        return Err(PortError::Fenced.into());
    }
    Ok(())
}

async fn append_one(connection: &mut SqliteConnection, entry: &Entry) -> Result<Appended, Failure> {
    if insert(connection, entry, false).await? {
        return Ok(Appended::Stored);
    }
    let standing: Option<Uuid> = sqlx::query_scalar(STANDING)
        .bind(entry.draft.room.key())
        .bind(signed(entry.position.seq)?)
        .fetch_optional(&mut *connection)
        .await?;
    match standing {
        Some(id) if id == entry.draft.id.0 => Ok(Appended::Replayed),
        Some(_) => Ok(Appended::Conflict),
        None => {
            insert(connection, entry, true).await?;
            Ok(Appended::Repeated)
        }
    }
}

/// Whether it was written: the entry, or in its place a void row, which says nothing.
async fn insert(connection: &mut SqliteConnection, entry: &Entry, void: bool) -> Result<bool, Failure> {
    let draft = &entry.draft;
    let (kind, target, body, key) = if void {
        ("void", None, &[][..], None)
    } else {
        (draft.kind.as_str(), draft.target, &*draft.body.bytes, draft.body.key.as_ref())
    };
    let done = sqlx::query(INSERT)
        .bind(draft.room.key())
        .bind(signed(entry.position.seq)?)
        .bind(signed(entry.position.epoch)?)
        .bind(draft.id.0)
        .bind(kind)
        .bind(target.map(|target| target.0))
        .bind(draft.author.user.as_str())
        .bind(draft.author.user.is_numeric())
        .bind(draft.author.name.as_deref())
        .bind(draft.client_id.as_ref().map(|id| id.as_str()))
        .bind(body)
        .bind(key.map(|key| key.as_str()))
        .bind(draft.sent_at.0)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

async fn amend(connection: &mut SqliteConnection, changes: &Amendments<'_>) -> Result<(), Failure> {
    for edit in &changes.edits {
        let body = &edit.entry.draft.body;
        let (bytes, key) = (&*body.bytes, body.key.as_ref().map(|key| key.as_str()));
        aimed(EDIT, *edit)?.bind(bytes).bind(key).execute(&mut *connection).await?;
    }
    for deletion in &changes.deletions {
        aimed(DELETE, *deletion)?.execute(&mut *connection).await?;
    }
    for change in changes.all() {
        let query = sqlx::query(ERASE).bind(change.entry.draft.room.key()).bind(change.target.0);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

type Statement<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// `statement` with room, target, seq and time of the change bound.
fn aimed<'q>(statement: &'static str, change: Amendment<'q>) -> Result<Statement<'q>, PortError> {
    Ok(sqlx::query(statement)
        .bind(change.entry.draft.room.key())
        .bind(change.target.0)
        .bind(signed(change.entry.position.seq)?)
        .bind(change.entry.draft.sent_at.0))
}
