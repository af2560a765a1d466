//! Putting new bodies in place of old ones in SQLite: one transaction, one prepared statement per row.

use domain::ports::SealedRow;
use domain::words::Sealed;
use sqlx::{Connection, SqliteConnection};

use crate::failure::Failure;
use crate::vault::{body, place};

const REPLACE: &str = "
    UPDATE messages SET body = $5, key_id = $6 WHERE room = $1 AND seq = $2 AND body = $3 AND key_id IS $4";

pub(super) async fn replace(
    connection: &mut SqliteConnection,
    rows: &[(SealedRow, Sealed)],
) -> Result<u64, Failure> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut moved = 0;
    for (row, new) in rows {
        let ((room, seq), (old, old_key), (bytes, key)) = (place(row)?, body(&row.body), body(new));
        let query = sqlx::query(REPLACE).bind(room).bind(seq).bind(old).bind(old_key).bind(bytes).bind(key);
        moved += query.execute(&mut *transaction).await?.rows_affected();
    }
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(moved)
}
