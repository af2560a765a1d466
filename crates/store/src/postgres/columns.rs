//! Entries turned sideways: one array per column, so that a batch is one statement.

use domain::ports::PortError;
use domain::words::Entry;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use crate::row::signed;

/// The columns of the insert, in its order. Borrows: a batch is not copied until it goes out.
#[derive(Default)]
pub(super) struct Columns<'a> {
    rooms: Vec<&'a str>,
    seqs: Vec<i64>,
    epochs: Vec<i64>,
    ids: Vec<Uuid>,
    kinds: Vec<&'static str>,
    targets: Vec<Option<Uuid>>,
    users: Vec<&'a str>,
    numeric: Vec<bool>,
    names: Vec<Option<&'a str>>,
    client_ids: Vec<Option<&'a str>>,
    bodies: Vec<&'a [u8]>,
    keys: Vec<Option<&'a str>>,
    sent: Vec<i64>,
}

impl<'a> Columns<'a> {
    /// The columns of whole entries.
    pub(super) fn of(entries: &'a [Entry]) -> Result<Self, PortError> {
        let mut columns = Self::default();
        for entry in entries {
            columns.push(entry)?;
            columns.kinds.push(entry.draft.kind.as_str());
            columns.targets.push(entry.draft.target.map(|target| target.0));
            columns.bodies.push(&entry.draft.body.bytes);
            columns.keys.push(entry.draft.body.key.as_ref().map(|key| key.as_str()));
        }
        Ok(columns)
    }

    /// The columns of void rows, which hold the places of these entries and say nothing.
    pub(super) fn void<'e: 'a>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Self, PortError> {
        let mut columns = Self::default();
        for entry in entries {
            columns.push(entry)?;
            columns.kinds.push("void");
            columns.targets.push(None);
            columns.bodies.push(&[]);
            columns.keys.push(None);
        }
        Ok(columns)
    }

    fn push(&mut self, entry: &'a Entry) -> Result<(), PortError> {
        let draft = &entry.draft;
        self.rooms.push(draft.room.key());
        self.seqs.push(signed(entry.position.seq)?);
        self.epochs.push(signed(entry.position.epoch)?);
        self.ids.push(draft.id.0);
        self.users.push(draft.author.user.as_str());
        self.numeric.push(draft.author.user.is_numeric());
        self.names.push(draft.author.name.as_deref());
        self.client_ids.push(draft.client_id.as_ref().map(|id| id.as_str()));
        self.sent.push(draft.sent_at.0);
        Ok(())
    }

    /// `query` with every column bound, `$1` to `$13`.
    pub(super) fn bind(self, query: Query<'a, Postgres, PgArguments>) -> Query<'a, Postgres, PgArguments> {
        query
            .bind(self.rooms)
            .bind(self.seqs)
            .bind(self.epochs)
            .bind(self.ids)
            .bind(self.kinds)
            .bind(self.targets)
            .bind(self.users)
            .bind(self.numeric)
            .bind(self.names)
            .bind(self.client_ids)
            .bind(self.bodies)
            .bind(self.keys)
            .bind(self.sent)
    }
}
