//! Putting new bodies in place of old ones in Postgres: one statement, however many.

use domain::ports::{PortError, SealedRow};
use domain::words::Sealed;
use sqlx::PgConnection;

use crate::failure::Failure;
use crate::vault::{body, place};

/// A row that somebody else is changing is waited for and looked at again, so the guard holds against them too.
const REPLACE: &str = "
    UPDATE messages m SET body = c.body, key_id = c.key_id
    FROM UNNEST($1::text[], $2::bigint[], $3::bytea[], $4::text[], $5::bytea[], $6::text[])
         AS c (room, seq, old_body, old_key_id, body, key_id)
    WHERE m.room = c.room AND m.seq = c.seq AND m.body = c.old_body AND m.key_id IS NOT DISTINCT FROM c.old_key_id";

pub(super) async fn replace(
    connection: &mut PgConnection,
    rows: &[(SealedRow, Sealed)],
) -> Result<u64, Failure> {
    let places = rows.iter().map(|(row, _)| place(row)).collect::<Result<Vec<_>, PortError>>()?;
    let (rooms, seqs): (Vec<&str>, Vec<i64>) = places.into_iter().unzip();
    let (old_bodies, old_keys): (Vec<&[u8]>, Vec<_>) = rows.iter().map(|(row, _)| body(&row.body)).unzip();
    let (bodies, keys): (Vec<&[u8]>, Vec<_>) = rows.iter().map(|(_, new)| body(new)).unzip();
    let query =
        sqlx::query(REPLACE).bind(rooms).bind(seqs).bind(old_bodies).bind(old_keys).bind(bodies).bind(keys);
    Ok(query.execute(connection).await?.rows_affected())
}
