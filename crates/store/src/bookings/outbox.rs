//! The outbox: what became of seats, written with the change and brought to a courier afterwards.
//!
//! Invariant: a row's id is drawn while its event's row is held, so within an event ids rise with versions, and whoever
//! brings rows by id brings each event's changes in order, and no event waits behind a busier one.

use std::time::Duration;

use domain::ports::{Courier, PortError};
use domain::words::{BookingId, EventId, SeatChange, SeatChangeKind, Timestamp, UserId};
use tokio::time::{Instant, timeout_at};

use super::keys::booking_id;
use super::seats::{Seats, unsigned};
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;
use crate::row::{bound, user};

/// How many rows one statement forgets: so many take far less time than a statement may.
pub(super) const PRUNED_AT_ONCE: u64 = 5000;

/// The time is the moment of writing, not that of the transaction's begin: it must not fall while versions rise.
const TELL: Sql = Sql {
    postgres: "
        INSERT INTO outbox (topic, key, version, payload, created_at)
        VALUES ('event', $1, $2,
                json_build_object('kind', $3::text, 'booking', $4::text, 'user', $5::text, 'numeric', $6::boolean,
                                  'available', $7::bigint)::text,
                clock_timestamp())",
    sqlite: "
        INSERT INTO outbox (topic, key, version, payload)
        VALUES ('event', $1, $2,
                json_object('kind', $3, 'booking', $4, 'user', $5, 'numeric', json(iif($6, 'true', 'false')),
                            'available', $7))",
};

/// The columns of [`ChangeRow`], and where they are found.
macro_rules! changes {
    (postgres: $which:literal) => {
        concat!(
            "SELECT id, key, version, payload::json ->> 'kind' AS kind, payload::json ->> 'booking' AS booking,
                    payload::json ->> 'user' AS user_id, (payload::json ->> 'numeric')::boolean AS user_numeric,
                    (payload::json ->> 'available')::bigint AS available,
                    (extract(epoch FROM created_at) * 1000)::bigint AS created_at
             FROM outbox WHERE topic = 'event' AND ",
            $which
        )
    };
    (sqlite: $which:literal) => {
        concat!(
            "SELECT id, key, version, payload ->> 'kind' AS kind, payload ->> 'booking' AS booking,
                    payload ->> 'user' AS user_id, payload ->> 'numeric' AS user_numeric,
                    payload ->> 'available' AS available, created_at
             FROM outbox WHERE topic = 'event' AND ",
            $which
        )
    };
}

const CHANGES: Sql = Sql {
    postgres: changes!(postgres: "key = $1 AND version > $2 ORDER BY version LIMIT $3"),
    sqlite: changes!(sqlite: "key = $1 AND version > $2 ORDER BY version LIMIT $3"),
};

const WAITING: Sql = Sql {
    postgres: changes!(postgres: "published_at IS NULL ORDER BY id LIMIT $1"),
    sqlite: changes!(sqlite: "published_at IS NULL ORDER BY id LIMIT $1"),
};

/// Ordered, so that it is one step in the index of what waits and never a walk through all that was told.
const ANY_WAITING: Sql = Sql::same("SELECT id FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 1");

/// By id and not by range: within the range, rows of other events may have been committed since.
const MARK: Sql = Sql {
    postgres: "UPDATE outbox SET published_at = statement_timestamp() WHERE id = ANY($1)",
    sqlite: "
        UPDATE outbox SET published_at = CAST(unixepoch('subsec') * 1000 AS integer)
        WHERE id IN (SELECT value FROM json_each($1))",
};

const PRUNE: Sql = Sql {
    postgres: "
        DELETE FROM outbox WHERE id IN (
            SELECT id FROM outbox WHERE published_at < timestamptz 'epoch' + $1 * interval '1 millisecond'
            ORDER BY published_at LIMIT $2)",
    sqlite: "
        DELETE FROM outbox WHERE id IN (
            SELECT id FROM outbox WHERE published_at < $1 ORDER BY published_at LIMIT $2)",
};

/// What is to be told of an event, beside its seats.
pub(super) struct News<'a> {
    pub(super) event: EventId,
    pub(super) kind: SeatChangeKind,
    pub(super) booking: &'a BookingId,
    pub(super) user: &'a UserId,
}

#[derive(Debug, sqlx::FromRow)]
struct ChangeRow {
    id: i64,
    key: String,
    version: i64,
    kind: String,
    booking: String,
    user_id: String,
    user_numeric: bool,
    available: i64,
    created_at: i64,
}

impl ChangeRow {
    fn into_change(self) -> Result<SeatChange, PortError> {
        let illegible = |what: &str| {
            PortError::Refused(format!(
                "outbox row {} is not legible, or newer than this program: {what}",
                self.id
            ))
        };
        let event = self.key.parse().ok().and_then(|id| EventId::new(id).ok());
        Ok(SeatChange {
            event: event.ok_or_else(|| illegible("key"))?,
            version: unsigned(self.version)?,
            kind: SeatChangeKind::parse(&self.kind).ok_or_else(|| illegible("kind"))?,
            booking: booking_id(&self.booking)?,
            user: user(&self.user_id, self.user_numeric).map_err(|_| illegible("user"))?,
            available: unsigned(self.available)?,
            at: Timestamp(self.created_at),
        })
    }
}

/// A row that nobody has brought yet.
pub(crate) struct Waiting(ChangeRow);

/// How far a courier came.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The rows that were brought.
    pub(crate) changes: Vec<i64>,
    /// Why the courier stopped before the end.
    pub(crate) failure: Option<PortError>,
}

pub(super) async fn tell<E: Engine>(
    on: &mut E::Connection,
    news: &News<'_>,
    seats: Seats,
) -> Result<(), Failure> {
    let values = [
        Value::Text(&news.event.to_string()),
        Value::Number(seats.version),
        Value::Text(news.kind.as_str()),
        Value::Text(news.booking.as_str()),
        Value::Text(news.user.as_str()),
        Value::Flag(news.user.is_numeric()),
        Value::Number(seats.available),
    ];
    E::execute(on, TELL, &values).await?;
    Ok(())
}

pub(super) async fn changes<E: Engine>(
    on: &mut E::Connection,
    event: EventId,
    after: u64,
    limit: usize,
) -> Result<Vec<SeatChange>, Failure> {
    let values = [Value::Text(&event.to_string()), Value::Number(bound(after)), Value::Number(bound(limit))];
    let rows: Vec<ChangeRow> = E::rows(on, CHANGES, &values).await?;
    Ok(rows.into_iter().map(ChangeRow::into_change).collect::<Result<_, _>>()?)
}

pub(super) async fn any_waiting<E: Engine>(on: &mut E::Connection) -> Result<bool, Failure> {
    Ok(E::row::<(i64,)>(on, ANY_WAITING, &[]).await?.is_some())
}

/// What waits, in the order in which it is to be brought.
pub(crate) async fn waiting<E: Engine>(
    on: &mut E::Connection,
    limit: usize,
) -> Result<Vec<Waiting>, Failure> {
    let rows: Vec<ChangeRow> = E::rows(on, WAITING, &[Value::Number(bound(limit))]).await?;
    Ok(rows.into_iter().map(Waiting).collect())
}

/// Brings rows, one after the other, for as long as the courier takes them and not longer than `patience`.
pub(crate) async fn carry(courier: &dyn Courier, rows: Vec<Waiting>, patience: Duration) -> Told {
    let until = Instant::now() + patience;
    let mut told = Told::default();
    for Waiting(row) in rows {
        let id = row.id;
        let carried = match row.into_change() {
            Ok(change) => timeout_at(until, courier.carry(&change)).await.unwrap_or(Err(PortError::Deadline)),
            Err(error) => Err(error),
        };
        if let Err(error) = carried {
            told.failure = Some(error);
            break;
        }
        told.changes.push(id);
    }
    told
}

/// Remembers that these rows were brought.
pub(crate) async fn mark<E: Engine>(on: &mut E::Connection, told: &Told) -> Result<(), Failure> {
    if !told.changes.is_empty() {
        E::execute(on, MARK, &[Value::Numbers(&told.changes)]).await?;
    }
    Ok(())
}

pub(super) async fn prune<E: Engine>(on: &mut E::Connection, before: Timestamp) -> Result<u64, Failure> {
    E::execute(on, PRUNE, &[Value::Number(before.0), Value::Number(bound(PRUNED_AT_ONCE))]).await
}
