//! What operators decide against tokens that are good by themselves: who may not come in, which token is void, who has
//! which role.

use std::sync::Arc;

use domain::ports::{Assignment, PortError, Rulings};
use domain::words::{Role, Timestamp, UserId};

use super::rows::user_id;
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;

/// The end of the year 9999: a token that lives longer is revoked until then, and every database can say it.
const LATEST: i64 = 253_402_300_799_999;

const DISABLED: Sql = Sql::same("SELECT id, id_numeric FROM users WHERE disabled_at IS NOT NULL ORDER BY id");

/// A minute longer than they live: clocks differ, and whoever verifies a token forgives it a few seconds.
const REVOKED: Sql = Sql {
    postgres: "SELECT id FROM revoked_tokens WHERE expires_at > now() - interval '1 minute' ORDER BY id",
    sqlite: "
        SELECT id FROM revoked_tokens
        WHERE expires_at > CAST(unixepoch('subsec') * 1000 AS integer) - 60000 ORDER BY id",
};

const ASSIGNED: Sql = Sql {
    postgres: "
        SELECT id, id_numeric, role, (extract(epoch FROM role_assigned_at) * 1000)::bigint AS at
        FROM users WHERE role_assigned_at IS NOT NULL ORDER BY id",
    sqlite: "
        SELECT id, id_numeric, role, role_assigned_at AS at
        FROM users WHERE role_assigned_at IS NOT NULL ORDER BY id",
};

const KNOWN_AMONG: Sql = Sql {
    postgres: "SELECT id, id_numeric FROM users WHERE id = ANY($1) ORDER BY id",
    sqlite: "SELECT id, id_numeric FROM users WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
};

const DISABLE: Sql = Sql {
    postgres: "
        INSERT INTO users (id, id_numeric, username, disabled_at) VALUES ($1, $2, $1, now())
        ON CONFLICT (id) DO UPDATE SET disabled_at = excluded.disabled_at WHERE users.disabled_at IS NULL",
    sqlite: "
        INSERT INTO users (id, id_numeric, username, disabled_at)
        VALUES ($1, $2, $1, CAST(unixepoch('subsec') * 1000 AS integer))
        ON CONFLICT (id) DO UPDATE SET disabled_at = excluded.disabled_at WHERE users.disabled_at IS NULL",
};

const READMIT: Sql =
    Sql::same("UPDATE users SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL");

/// The newest assignment counts, in whatever order they arrive.
const ASSIGN: Sql = Sql {
    postgres: "
        INSERT INTO users (id, id_numeric, username, role, role_assigned_at)
        VALUES ($1, $2, $1, $3, timestamptz 'epoch' + $4 * interval '1 millisecond')
        ON CONFLICT (id) DO UPDATE SET role = excluded.role, role_assigned_at = excluded.role_assigned_at
        WHERE coalesce(users.role_assigned_at <= excluded.role_assigned_at, true)",
    sqlite: "
        INSERT INTO users (id, id_numeric, username, role, role_assigned_at) VALUES ($1, $2, $1, $3, $4)
        ON CONFLICT (id) DO UPDATE SET role = excluded.role, role_assigned_at = excluded.role_assigned_at
        WHERE coalesce(users.role_assigned_at <= excluded.role_assigned_at, true)",
};

const REVOKE: Sql = Sql {
    postgres: "
        INSERT INTO revoked_tokens (id, expires_at)
        VALUES ($1, timestamptz 'epoch' + $2 * interval '1 millisecond')
        ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
        WHERE revoked_tokens.expires_at < excluded.expires_at",
    sqlite: "
        INSERT INTO revoked_tokens (id, expires_at) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
        WHERE revoked_tokens.expires_at < excluded.expires_at",
};

/// Long after everybody has stopped asking for them.
const FORGET: Sql = Sql {
    postgres: "DELETE FROM revoked_tokens WHERE expires_at < now() - interval '1 hour'",
    sqlite: "
        DELETE FROM revoked_tokens WHERE expires_at < CAST(unixepoch('subsec') * 1000 AS integer) - 3600000",
};

#[derive(Debug, sqlx::FromRow)]
struct AssignmentRow {
    id: String,
    id_numeric: bool,
    role: String,
    at: i64,
}

impl AssignmentRow {
    fn into_assignment(self) -> Result<Assignment, PortError> {
        Ok(Assignment {
            user: user_id((self.id, self.id_numeric))?,
            // A role that only a newer program knows permits nothing here.
            role: Role::parse(&self.role).unwrap_or_default(),
            at: Timestamp(self.at),
        })
    }
}

pub(super) async fn all<E: Engine>(on: &mut E::Connection) -> Result<Rulings, Failure> {
    let disabled: Vec<(String, bool)> = E::rows(on, DISABLED, &[]).await?;
    let revoked: Vec<(String,)> = E::rows(on, REVOKED, &[]).await?;
    let assigned: Vec<AssignmentRow> = E::rows(on, ASSIGNED, &[]).await?;
    Ok(Rulings {
        disabled: disabled.into_iter().map(user_id).collect::<Result<_, _>>()?,
        revoked: revoked.into_iter().map(|(id,)| Arc::from(id)).collect(),
        assigned: assigned.into_iter().map(AssignmentRow::into_assignment).collect::<Result<_, _>>()?,
    })
}

pub(super) async fn known_among<E: Engine>(
    on: &mut E::Connection,
    users: &[UserId],
) -> Result<Vec<UserId>, Failure> {
    let ids: Vec<&str> = users.iter().map(UserId::as_str).collect();
    let known: Vec<(String, bool)> = E::rows(on, KNOWN_AMONG, &[Value::Texts(&ids)]).await?;
    Ok(known.into_iter().map(user_id).collect::<Result<_, _>>()?)
}

pub(super) async fn set_disabled<E: Engine>(
    on: &mut E::Connection,
    user: &UserId,
    disabled: bool,
) -> Result<(), Failure> {
    let id = Value::Text(user.as_str());
    if disabled {
        E::execute(on, DISABLE, &[id, Value::Flag(user.is_numeric())]).await?;
    } else {
        E::execute(on, READMIT, &[id]).await?;
    }
    Ok(())
}

pub(super) async fn assign<E: Engine>(
    on: &mut E::Connection,
    assignment: &Assignment,
) -> Result<(), Failure> {
    let values = [
        Value::Text(assignment.user.as_str()),
        Value::Flag(assignment.user.is_numeric()),
        Value::Text(assignment.role.as_str()),
        Value::Number(assignment.at.0),
    ];
    E::execute(on, ASSIGN, &values).await?;
    Ok(())
}

pub(super) async fn revoke<E: Engine>(
    on: &mut E::Connection,
    token: &str,
    until: Timestamp,
) -> Result<(), Failure> {
    let until = until.0.clamp(0, LATEST);
    let mut transaction = E::begin(on).await?;
    E::execute(&mut transaction, FORGET, &[]).await?;
    E::execute(&mut transaction, REVOKE, &[Value::Text(token), Value::Number(until)]).await?;
    transaction.commit().await.map_err(Failure::of_commit)
}
