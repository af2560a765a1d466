//! Chats as their participants see them, and who shares one with whom. Reads alone, in a constant number of queries.

use std::cmp::Reverse;
use std::collections::HashMap;

use domain::ports::{PortError, StoredMessage};
use domain::words::{Chat, Participant, RoomId, Timestamp, UserId};

use super::rows::{ChatRow, ParticipantRow, room, user_id};
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;
use crate::row::{PlacedRow, bound, message_columns};

const ROOMS_OF: Sql = Sql::same("SELECT chat_id FROM chat_participants WHERE user_id = $1 ORDER BY chat_id");

/// Chats `c` with their part `p` of the reader $1. Unread messages are counted up to $2, however many there are: the
/// order inside keeps Postgres from collecting all of them before it counts so many.
macro_rules! chats {
    ($created_at:literal, $from:literal) => {
        concat!(
            "SELECT c.id, c.title, c.kind = 'direct' AS direct, ",
            $created_at,
            " AS created_at, (SELECT count(*) FROM (
                SELECT 1 FROM messages m
                WHERE m.room = 'chat:' || c.id AND m.kind = 'message' AND m.seq > p.last_read_seq
                  AND m.user_id <> $1 AND m.deleted_at IS NULL
                ORDER BY m.seq LIMIT $2) AS u) AS unread ",
            $from
        )
    };
    (of reader: $created_at:literal) => {
        chats!(
            $created_at,
            "FROM chat_participants p JOIN chats c ON c.id = p.chat_id WHERE p.user_id = $1"
        )
    };
    (one: $created_at:literal) => {
        chats!(
            $created_at,
            "FROM chats c LEFT JOIN chat_participants p ON p.chat_id = c.id AND p.user_id = $1 WHERE c.id = $3"
        )
    };
}

const CHATS_OF: Sql = Sql {
    postgres: chats!(of reader: "(extract(epoch FROM c.created_at) * 1000)::bigint"),
    sqlite: chats!(of reader: "c.created_at"),
};

const CHAT: Sql = Sql {
    postgres: chats!(one: "(extract(epoch FROM c.created_at) * 1000)::bigint"),
    sqlite: chats!(one: "c.created_at"),
};

const PARTICIPANTS: Sql = Sql {
    postgres: "
        SELECT p.chat_id, p.user_id, u.id_numeric, u.username, p.role,
               (extract(epoch FROM p.last_read_at) * 1000)::bigint AS last_read_at
        FROM chat_participants p JOIN users u ON u.id = p.user_id
        WHERE p.chat_id = ANY($1) ORDER BY p.joined_at, p.user_id COLLATE \"C\"",
    sqlite: "
        SELECT p.chat_id, p.user_id, u.id_numeric, u.username, p.role, p.last_read_at
        FROM chat_participants p JOIN users u ON u.id = p.user_id
        WHERE p.chat_id IN (SELECT value FROM json_each($1)) ORDER BY p.joined_at, p.user_id",
};

const LAST_MESSAGES: Sql = Sql {
    postgres: concat!(
        "SELECT room, ",
        message_columns!(postgres),
        " FROM UNNEST($1::text[]) AS r (key) CROSS JOIN LATERAL (
            SELECT * FROM messages WHERE room = r.key AND kind = 'message' AND deleted_at IS NULL
            ORDER BY seq DESC LIMIT 1) AS m"
    ),
    sqlite: concat!(
        "SELECT room, ",
        message_columns!(sqlite),
        " FROM messages WHERE (room, seq) IN (
            SELECT r.value, (SELECT seq FROM messages m WHERE m.room = r.value AND m.kind = 'message'
                             AND m.deleted_at IS NULL ORDER BY m.seq DESC LIMIT 1)
            FROM json_each($1) AS r)"
    ),
};

const PARTICIPANTS_AMONG: Sql = Sql {
    postgres: "
        SELECT u.id, u.id_numeric FROM chat_participants p JOIN users u ON u.id = p.user_id
        WHERE p.chat_id = $1 AND p.user_id = ANY($2)",
    sqlite: "
        SELECT u.id, u.id_numeric FROM chat_participants p JOIN users u ON u.id = p.user_id
        WHERE p.chat_id = $1 AND p.user_id IN (SELECT value FROM json_each($2))",
};

macro_rules! peers {
    ($these:literal) => {
        concat!(
            "SELECT DISTINCT one.id, one.id_numeric, other.id, other.id_numeric
             FROM chat_participants a
             JOIN chat_participants b ON b.chat_id = a.chat_id AND b.user_id <> a.user_id
             JOIN users one ON one.id = a.user_id
             JOIN users other ON other.id = b.user_id
             WHERE a.user_id ",
            $these
        )
    };
}

const PEERS: Sql =
    Sql { postgres: peers!("= ANY($1)"), sqlite: peers!("IN (SELECT value FROM json_each($1))") };

const SHARE_A_CHAT: Sql = Sql::same(
    "SELECT EXISTS (
        SELECT 1 FROM chat_participants a JOIN chat_participants b ON b.chat_id = a.chat_id
        WHERE a.user_id = $1 AND b.user_id = $2)",
);

pub(super) async fn rooms_of<E: Engine>(
    on: &mut E::Connection,
    user: &UserId,
) -> Result<Vec<RoomId>, Failure> {
    let ids: Vec<(String,)> = E::rows(on, ROOMS_OF, &[Value::Text(user.as_str())]).await?;
    Ok(ids.iter().map(|(id,)| room(id)).collect::<Result<_, _>>()?)
}

/// Every chat of the reader, the one with the newest message first.
pub(super) async fn all<E: Engine>(on: &mut E::Connection, reader: &UserId) -> Result<Vec<Chat>, Failure> {
    let values = [Value::Text(reader.as_str()), Value::Number(bound(Chat::UNREAD_CAP))];
    let rows = E::rows(on, CHATS_OF, &values).await?;
    let mut chats = complete::<E>(on, rows).await?;
    chats.sort_by_cached_key(|chat| (Reverse(last_stir(chat)), chat.room.key().to_owned()));
    Ok(chats)
}

/// One chat; without a part in it the reader has no cursor, and so nothing unread.
pub(super) async fn one<E: Engine>(
    on: &mut E::Connection,
    chat: &str,
    reader: &UserId,
) -> Result<Option<Chat>, Failure> {
    let values = [Value::Text(reader.as_str()), Value::Number(bound(Chat::UNREAD_CAP)), Value::Text(chat)];
    let rows = E::rows(on, CHAT, &values).await?;
    Ok(complete::<E>(on, rows).await?.pop())
}

pub(super) async fn participants_among<E: Engine>(
    on: &mut E::Connection,
    chat: &str,
    users: &[UserId],
) -> Result<Vec<UserId>, Failure> {
    let ids: Vec<&str> = users.iter().map(UserId::as_str).collect();
    let rows = E::rows(on, PARTICIPANTS_AMONG, &[Value::Text(chat), Value::Texts(&ids)]).await?;
    Ok(rows.into_iter().map(user_id).collect::<Result<_, _>>()?)
}

pub(super) async fn peers<E: Engine>(
    on: &mut E::Connection,
    users: &[UserId],
) -> Result<Vec<(UserId, UserId)>, Failure> {
    let ids: Vec<&str> = users.iter().map(UserId::as_str).collect();
    let rows: Vec<(String, bool, String, bool)> = E::rows(on, PEERS, &[Value::Texts(&ids)]).await?;
    let pair = |(one, one_numeric, other, other_numeric)| {
        Ok((user_id((one, one_numeric))?, user_id((other, other_numeric))?))
    };
    rows.into_iter().map(pair).collect()
}

pub(super) async fn share_a_chat<E: Engine>(
    on: &mut E::Connection,
    one: &UserId,
    other: &UserId,
) -> Result<bool, Failure> {
    let values = [Value::Text(one.as_str()), Value::Text(other.as_str())];
    let row: Option<(bool,)> = E::row(on, SHARE_A_CHAT, &values).await?;
    Ok(row.is_some_and(|(share,)| share))
}

fn last_stir(chat: &Chat) -> Timestamp {
    chat.last_message.as_ref().map_or(chat.created_at, |message| message.sent_at)
}

/// Adds participants and last messages: one query each, however many chats there are.
async fn complete<E: Engine>(on: &mut E::Connection, rows: Vec<ChatRow>) -> Result<Vec<Chat>, Failure> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let participants = E::rows(on, PARTICIPANTS, &[Value::Texts(&ids)]).await?;
    let keys: Vec<String> = ids.iter().map(|id| format!("chat:{id}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let last = E::rows(on, LAST_MESSAGES, &[Value::Texts(&keys)]).await?;
    Ok(assemble(rows, participants, last)?)
}

fn assemble(
    rows: Vec<ChatRow>,
    participants: Vec<ParticipantRow>,
    last: Vec<PlacedRow>,
) -> Result<Vec<Chat>, PortError> {
    let mut of_chat: HashMap<String, Vec<Participant>> = HashMap::new();
    for mut row in participants {
        let chat = std::mem::take(&mut row.chat_id);
        of_chat.entry(chat).or_default().push(row.into_participant()?);
    }
    let mut last: HashMap<RoomId, StoredMessage> =
        last.into_iter().map(PlacedRow::into_message).collect::<Result<_, _>>()?;
    let chat = |row: ChatRow| {
        let room = room(&row.id)?;
        Ok(Chat {
            title: row.title,
            direct: row.direct,
            participants: of_chat.remove(&row.id).unwrap_or_default(),
            created_at: Timestamp(row.created_at),
            unread: u64::try_from(row.unread).unwrap_or(0),
            last_message: last.remove(&room),
            room,
        })
    };
    rows.into_iter().map(chat).collect()
}
