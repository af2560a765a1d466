//! How far somebody has read, and when they were last here. Both only move forwards.

use domain::ports::Touched;
use domain::words::{MessageId, Timestamp, UserId};

use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;

/// Numbers decide; the time of a message with a higher number may be earlier, since nodes' clocks differ.
const MOVE: Sql = Sql {
    postgres: "
        UPDATE chat_participants
        SET last_read_seq = $3,
            last_read_at = greatest(last_read_at, timestamptz 'epoch' + $4 * interval '1 millisecond')
        WHERE chat_id = $1 AND user_id = $2 AND last_read_seq < $3",
    sqlite: "
        UPDATE chat_participants SET last_read_seq = $3, last_read_at = max(coalesce(last_read_at, $4), $4)
        WHERE chat_id = $1 AND user_id = $2 AND last_read_seq < $3",
};

const NOTE: Sql =
    Sql::same("INSERT INTO message_reads (message_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING");

const TAKES_PART: Sql =
    Sql::same("SELECT EXISTS (SELECT 1 FROM chat_participants WHERE chat_id = $1 AND user_id = $2)");

/// In one order, so that two nodes that saw the same users never wait for each other in a ring.
const SEEN: Sql = Sql {
    postgres: "
        UPDATE users SET last_seen = timestamptz 'epoch' + $2 * interval '1 millisecond'
        WHERE id IN (
            SELECT id FROM users
            WHERE id = ANY($1)
              AND (last_seen IS NULL OR last_seen < timestamptz 'epoch' + $2 * interval '1 millisecond')
            ORDER BY id FOR NO KEY UPDATE)",
    sqlite: "
        UPDATE users SET last_seen = $2
        WHERE id IN (SELECT value FROM json_each($1)) AND (last_seen IS NULL OR last_seen < $2)",
};

/// What somebody says that they have read.
pub(super) struct Receipt<'a> {
    pub(super) chat: &'a str,
    pub(super) reader: &'a UserId,
    pub(super) message: MessageId,
    pub(super) seq: i64,
    pub(super) sent_at: Timestamp,
}

pub(super) async fn touch<E: Engine>(
    on: &mut E::Connection,
    receipt: &Receipt<'_>,
) -> Result<Touched, Failure> {
    let (chat, reader) = (Value::Text(receipt.chat), Value::Text(receipt.reader.as_str()));
    let cursor = [chat, reader, Value::Number(receipt.seq), Value::Number(receipt.sent_at.0)];
    let mut transaction = E::begin(on).await?;
    if E::execute(&mut transaction, MOVE, &cursor).await? == 0 {
        let row: Option<(bool,)> = E::row(&mut transaction, TAKES_PART, &[chat, reader]).await?;
        let takes_part = row.is_some_and(|(takes_part,)| takes_part);
        return Ok(if takes_part { Touched::Stood } else { Touched::NotThere });
    }
    E::execute(&mut transaction, NOTE, &[Value::Id(receipt.message.0), reader]).await?;
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(Touched::Moved)
}

pub(super) async fn seen<E: Engine>(
    on: &mut E::Connection,
    users: &[UserId],
    at: Timestamp,
) -> Result<(), Failure> {
    let ids: Vec<&str> = users.iter().map(UserId::as_str).collect();
    E::execute(on, SEEN, &[Value::Texts(&ids), Value::Number(at.0)]).await?;
    Ok(())
}
