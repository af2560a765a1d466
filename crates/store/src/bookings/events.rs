//! Events as they stand now.

use domain::ports::PortError;
use domain::words::{BookableEvent, EventId};

use super::seats::unsigned;
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;
use crate::row::{bound, signed};

/// The columns of [`EventRow`].
macro_rules! event_columns {
    () => {
        "id, title, total_seats, available_seats"
    };
}

const CREATE: Sql = Sql::same(concat!(
    "INSERT INTO events (title, total_seats, available_seats) VALUES ($1, $2, $2) RETURNING ",
    event_columns!()
));

const NEWEST: Sql = Sql::same(concat!("SELECT ", event_columns!(), " FROM events ORDER BY id DESC LIMIT $1"));

const ONE: Sql = Sql::same(concat!("SELECT ", event_columns!(), " FROM events WHERE id = $1"));

const VERSION: Sql = Sql::same("SELECT version FROM events WHERE id = $1");

#[derive(Debug, sqlx::FromRow)]
struct EventRow {
    id: i64,
    title: String,
    total_seats: i64,
    available_seats: i64,
}

impl EventRow {
    fn into_event(self) -> Result<BookableEvent, PortError> {
        Ok(BookableEvent {
            id: event_id(self.id)?,
            title: self.title,
            total_seats: unsigned(self.total_seats)?,
            available_seats: unsigned(self.available_seats)?,
        })
    }
}

/// An event's id, as a column keeps it.
pub(super) fn event_id(id: i64) -> Result<EventId, PortError> {
    EventId::new(unsigned(id)?)
        .map_err(|error| PortError::Refused(format!("a stored event is not legible: {error}")))
}

/// An event's id, as a parameter.
pub(super) fn key(event: EventId) -> Result<Value<'static>, PortError> {
    signed(event.get()).map(Value::Number)
}

pub(super) async fn create<E: Engine>(
    on: &mut E::Connection,
    title: &str,
    seats: u64,
) -> Result<BookableEvent, Failure> {
    let made: Option<EventRow> =
        E::row(on, CREATE, &[Value::Text(title), Value::Number(signed(seats)?)]).await?;
    let made = made.ok_or_else(|| PortError::Unavailable("a new event was not given back".into()))?;
    Ok(made.into_event()?)
}

pub(super) async fn newest<E: Engine>(
    on: &mut E::Connection,
    limit: usize,
) -> Result<Vec<BookableEvent>, Failure> {
    let rows: Vec<EventRow> = E::rows(on, NEWEST, &[Value::Number(bound(limit))]).await?;
    Ok(rows.into_iter().map(EventRow::into_event).collect::<Result<_, _>>()?)
}

pub(super) async fn one<E: Engine>(
    on: &mut E::Connection,
    event: EventId,
) -> Result<Option<BookableEvent>, Failure> {
    let row: Option<EventRow> = E::row(on, ONE, &[key(event)?]).await?;
    Ok(row.map(EventRow::into_event).transpose()?)
}

pub(super) async fn version<E: Engine>(on: &mut E::Connection, event: EventId) -> Result<u64, Failure> {
    let row: Option<(i64,)> = E::row(on, VERSION, &[key(event)?]).await?;
    Ok(unsigned(row.map_or(0, |(version,)| version))?)
}
