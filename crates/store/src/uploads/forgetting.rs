//! Forgetting uploads: those that nobody attached, and those that were never finished.
//!
//! Invariant: an upload goes in steps that any process may take again: it is abandoned, its pieces are deleted, and its row
//! is the last to go.

use domain::words::Timestamp;
use uuid::Uuid;

use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;
use crate::row::bound;

/// How many uploads one step takes.
const AT_ONCE: usize = 64;
/// How many pieces one statement deletes.
const PIECES_AT_ONCE: u64 = 64;

/// Locked: whoever attaches one at this moment keeps it, and whoever comes later finds none.
const LOOSE: Sql = Sql {
    postgres: "
        SELECT id FROM attachments
        WHERE message_id IS NULL AND created_at < timestamptz 'epoch' + $1 * interval '1 millisecond'
        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    sqlite: "
        SELECT id FROM attachments WHERE message_id IS NULL AND created_at < $1 ORDER BY created_at LIMIT $2",
};

const REMOVE: Sql = Sql::same("DELETE FROM attachments WHERE id = $1");

/// As old as anything can be, so that it is found at once.
const UNFINISH: Sql = Sql {
    postgres: "INSERT INTO unfinished_uploads (id, begun_at, abandoned) VALUES ($1, 'epoch', true)",
    sqlite: "INSERT INTO unfinished_uploads (id, begun_at, abandoned) VALUES ($1, 0, 1)",
};

const OLD: Sql = Sql {
    postgres: "
        SELECT id FROM unfinished_uploads WHERE begun_at < timestamptz 'epoch' + $1 * interval '1 millisecond'
        ORDER BY begun_at LIMIT $2",
    sqlite: "SELECT id FROM unfinished_uploads WHERE begun_at < $1 ORDER BY begun_at LIMIT $2",
};

const ABANDON: Sql = Sql {
    postgres: "UPDATE unfinished_uploads SET abandoned = true WHERE id = $1",
    sqlite: "UPDATE unfinished_uploads SET abandoned = 1 WHERE id = $1",
};

const ERASE: Sql = Sql::same(
    "DELETE FROM attachment_pieces WHERE upload = $1 AND number IN (
         SELECT number FROM attachment_pieces WHERE upload = $1 ORDER BY number LIMIT $2)
     AND EXISTS (SELECT 1 FROM unfinished_uploads WHERE id = $1 AND abandoned)",
);

const CLOSE: Sql = Sql::same("DELETE FROM unfinished_uploads WHERE id = $1");

/// Makes unfinished again what nobody has attached since before `before`: from now on nobody can.
pub(super) async fn give_up<E: Engine>(on: &mut E::Connection, before: Timestamp) -> Result<(), Failure> {
    let mut transaction = E::begin(on).await?;
    for (id,) in ids::<E>(&mut transaction, LOOSE, before).await? {
        E::execute(&mut transaction, REMOVE, &[Value::Id(id)]).await?;
        E::execute(&mut transaction, UNFINISH, &[Value::Id(id)]).await?;
    }
    transaction.commit().await.map_err(Failure::of_commit)
}

/// Some of what was never finished, or was given up.
pub(super) async fn old<E: Engine>(on: &mut E::Connection, before: Timestamp) -> Result<Vec<Uuid>, Failure> {
    Ok(ids::<E>(on, OLD, before).await?.into_iter().map(|(id,)| id).collect())
}

async fn ids<E: Engine>(
    on: &mut E::Connection,
    sql: Sql,
    before: Timestamp,
) -> Result<Vec<(Uuid,)>, Failure> {
    E::rows(on, sql, &[Value::Number(before.0), Value::Number(bound(AT_ONCE))]).await
}

/// It takes no further piece and is never finished.
pub(super) async fn abandon<E: Engine>(on: &mut E::Connection, id: Uuid) -> Result<(), Failure> {
    E::execute(on, ABANDON, &[Value::Id(id)]).await?;
    Ok(())
}

/// Deletes some pieces of an upload that is abandoned; whether there may be more.
pub(super) async fn erase<E: Engine>(on: &mut E::Connection, id: Uuid) -> Result<bool, Failure> {
    let erased = E::execute(on, ERASE, &[Value::Id(id), Value::Number(bound(PIECES_AT_ONCE))]).await?;
    Ok(erased == PIECES_AT_ONCE)
}

/// Nothing is left of it.
pub(super) async fn close<E: Engine>(on: &mut E::Connection, id: Uuid) -> Result<(), Failure> {
    E::execute(on, CLOSE, &[Value::Id(id)]).await?;
    Ok(())
}
