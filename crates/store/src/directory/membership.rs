//! Who takes part in a chat.
//!
//! Invariants: every change of one chat locks its row first, so changes of one chat happen one after the other; times of
//! joining rise within a chat, so that there is always an oldest participant; a chat without an owner falls to them.

use std::collections::HashSet;

use domain::ports::{Added, Created, PortError, Removed};
use domain::words::{NewChat, UserId};

use super::{chat_id, views};
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;
use crate::row::bound;

const HOW_MANY_ARE_KNOWN: Sql = Sql {
    postgres: "SELECT count(*) FROM users WHERE id = ANY($1)",
    sqlite: "SELECT count(*) FROM users WHERE id IN (SELECT value FROM json_each($1))",
};

/// Waits for another one that makes the same direct chat.
const MAKE: Sql = Sql::same(
    "INSERT INTO chats (id, title, kind, direct_key) VALUES ($1, $2, $3, $4) ON CONFLICT (direct_key) DO NOTHING",
);

// SQLite's writer is alone from its first statement.
const LOCK: Sql = Sql {
    postgres: "SELECT id FROM chats WHERE id = $1 FOR UPDATE",
    sqlite: "SELECT id FROM chats WHERE id = $1",
};

const LOCK_DIRECT: Sql = Sql {
    postgres: "SELECT id FROM chats WHERE direct_key = $1 FOR UPDATE",
    sqlite: "SELECT id FROM chats WHERE direct_key = $1",
};

/// In the order given, behind everybody who is there.
const JOIN: Sql = Sql {
    postgres: "
        INSERT INTO chat_participants (chat_id, user_id, joined_at)
        SELECT $1, n.id, greatest(now(), (SELECT max(joined_at) FROM chat_participants WHERE chat_id = $1))
                         + n.place * interval '1 microsecond'
        FROM UNNEST($2::text[]) WITH ORDINALITY AS n (id, place)
        ON CONFLICT DO NOTHING",
    sqlite: "
        INSERT INTO chat_participants (chat_id, user_id, joined_at)
        SELECT $1, n.value, max(CAST(unixepoch('subsec') * 1000 AS integer),
                                (SELECT coalesce(max(joined_at), 0) FROM chat_participants WHERE chat_id = $1))
                            + n.key + 1
        FROM json_each($2) AS n WHERE true
        ON CONFLICT DO NOTHING",
};

const LEAVE: Sql = Sql::same("DELETE FROM chat_participants WHERE chat_id = $1 AND user_id = $2");

/// Where nobody owns it, the oldest participant does.
const HAND_OVER: Sql = Sql::same(
    "UPDATE chat_participants SET role = 'owner'
     WHERE chat_id = $1
       AND user_id = (SELECT user_id FROM chat_participants WHERE chat_id = $1 ORDER BY joined_at, user_id LIMIT 1)
       AND NOT EXISTS (SELECT 1 FROM chat_participants WHERE chat_id = $1 AND role = 'owner')",
);

const NOTE_OWNER: Sql = Sql::same(
    "UPDATE chats SET owner = (SELECT user_id FROM chat_participants WHERE chat_id = $1 AND role = 'owner'
                               ORDER BY joined_at, user_id LIMIT 1)
     WHERE id = $1",
);

const RETITLE: Sql = Sql::same("UPDATE chats SET title = $2 WHERE id = $1");

/// Both users of a direct chat who left it take part in it again.
pub(super) async fn create<E: Engine>(on: &mut E::Connection, chat: &NewChat) -> Result<Created, Failure> {
    let new = chat_id(&chat.room).ok_or_else(|| refused("a chat's room is in the namespace of chats"))?;
    let users = distinct(chat);
    let direct_key = chat.direct.then(|| direct_key(&users)).transpose()?;
    let mut transaction = E::begin(on).await?;
    if !all_known::<E>(&mut transaction, &users).await? {
        return Ok(Created::UnknownUser);
    }
    let (id, made) = make::<E>(&mut transaction, new, chat, direct_key.as_deref()).await?;
    E::execute(&mut transaction, JOIN, &[Value::Text(&id), Value::Texts(&users)]).await?;
    settle::<E>(&mut transaction, &id).await?;
    let view = views::one::<E>(&mut transaction, &id, &chat.owner).await?;
    transaction.commit().await.map_err(Failure::of_commit)?;
    let view = view.ok_or_else(|| refused("a chat is not there in the transaction that makes it"))?;
    Ok(if made { Created::New(view) } else { Created::Existing(view) })
}

pub(super) async fn retitle<E: Engine>(
    on: &mut E::Connection,
    chat: &str,
    title: Option<&str>,
) -> Result<bool, Failure> {
    Ok(E::execute(on, RETITLE, &[Value::Text(chat), Value::OptionalText(title)]).await? > 0)
}

pub(super) async fn add<E: Engine>(
    on: &mut E::Connection,
    chat: &str,
    user: &UserId,
) -> Result<Added, Failure> {
    let mut transaction = E::begin(on).await?;
    if !lock::<E>(&mut transaction, chat).await? {
        return Ok(Added::UnknownChat);
    }
    if !all_known::<E>(&mut transaction, &[user.as_str()]).await? {
        return Ok(Added::UnknownUser);
    }
    let values = [Value::Text(chat), Value::Texts(&[user.as_str()])];
    if E::execute(&mut transaction, JOIN, &values).await? == 0 {
        return Ok(Added::Already);
    }
    settle::<E>(&mut transaction, chat).await?;
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(Added::Now)
}

pub(super) async fn remove<E: Engine>(
    on: &mut E::Connection,
    chat: &str,
    user: &UserId,
) -> Result<Removed, Failure> {
    let mut transaction = E::begin(on).await?;
    if !lock::<E>(&mut transaction, chat).await? {
        return Ok(Removed::UnknownChat);
    }
    let values = [Value::Text(chat), Value::Text(user.as_str())];
    if E::execute(&mut transaction, LEAVE, &values).await? == 0 {
        return Ok(Removed::NotThere);
    }
    settle::<E>(&mut transaction, chat).await?;
    transaction.commit().await.map_err(Failure::of_commit)?;
    Ok(Removed::Now)
}

/// The new chat's id, or that of the direct chat that the two have already; its row is locked either way.
async fn make<E: Engine>(
    on: &mut E::Connection,
    id: &str,
    chat: &NewChat,
    direct_key: Option<&str>,
) -> Result<(String, bool), Failure> {
    if let Some(existing) = locked_direct::<E>(on, direct_key).await? {
        return Ok((existing, false));
    }
    let values = [
        Value::Text(id),
        Value::OptionalText(chat.title.as_deref()),
        Value::Text(if chat.direct { "direct" } else { "group" }),
        Value::OptionalText(direct_key),
    ];
    if E::execute(on, MAKE, &values).await? == 1 {
        return Ok((id.to_owned(), true));
    }
    match locked_direct::<E>(on, direct_key).await? {
        Some(existing) => Ok((existing, false)),
        None => Err(PortError::Unavailable("a direct chat came and went at once".into()).into()),
    }
}

async fn locked_direct<E: Engine>(
    on: &mut E::Connection,
    direct_key: Option<&str>,
) -> Result<Option<String>, Failure> {
    let Some(key) = direct_key else { return Ok(None) };
    let row: Option<(String,)> = E::row(on, LOCK_DIRECT, &[Value::Text(key)]).await?;
    Ok(row.map(|(id,)| id))
}

/// Whether the chat is there; then nobody else changes who takes part until the transaction ends.
async fn lock<E: Engine>(on: &mut E::Connection, chat: &str) -> Result<bool, Failure> {
    let row: Option<(String,)> = E::row(on, LOCK, &[Value::Text(chat)]).await?;
    Ok(row.is_some())
}

async fn all_known<E: Engine>(on: &mut E::Connection, users: &[&str]) -> Result<bool, Failure> {
    let row: Option<(i64,)> = E::row(on, HOW_MANY_ARE_KNOWN, &[Value::Texts(users)]).await?;
    Ok(row.is_some_and(|(known,)| known == bound(users.len())))
}

async fn settle<E: Engine>(on: &mut E::Connection, chat: &str) -> Result<(), Failure> {
    E::execute(on, HAND_OVER, &[Value::Text(chat)]).await?;
    E::execute(on, NOTE_OWNER, &[Value::Text(chat)]).await?;
    Ok(())
}

/// Everybody in a new chat, once, the owner first.
fn distinct(chat: &NewChat) -> Vec<&str> {
    let mut met = HashSet::new();
    let users = std::iter::once(&chat.owner).chain(&chat.others).map(UserId::as_str);
    users.filter(|user| met.insert(*user)).collect()
}

/// The same for two users whoever begins, another for any other two: the first one's length keeps them apart.
fn direct_key(users: &[&str]) -> Result<String, PortError> {
    let [one, other] = users else { return Err(refused("a direct chat has two users")) };
    let (first, second) = if one < other { (one, other) } else { (other, one) };
    Ok(format!("{}:{first}{second}", first.len()))
}

fn refused(reason: &str) -> PortError {
    PortError::Refused(reason.into())
}
