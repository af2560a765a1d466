//! The bytes of uploads, in pieces of one size.
//!
//! Invariant: a piece is written only while its upload is neither finished nor abandoned, so none is ever left alone.

use bytes::{Bytes, BytesMut};
use domain::ports::PortError;
use uuid::Uuid;

use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;

/// The size of a piece, in bytes: one short statement each.
const PIECE: usize = 256 * 1024;

const BEGIN: Sql = Sql::same("INSERT INTO unfinished_uploads (id) VALUES ($1)");

/// The lock holds back whoever would abandon the upload meanwhile. In SQLite a writer is alone.
const KEEP: Sql = Sql {
    postgres: "
        INSERT INTO attachment_pieces (upload, number, bytes)
        SELECT id, $2, $3 FROM unfinished_uploads WHERE id = $1 AND NOT abandoned FOR SHARE",
    sqlite: "
        INSERT INTO attachment_pieces (upload, number, bytes)
        SELECT id, $2, $3 FROM unfinished_uploads WHERE id = $1 AND NOT abandoned",
};

const READ: Sql = Sql::same("SELECT bytes FROM attachment_pieces WHERE upload = $1 AND number = $2");

/// One piece, and which.
pub(super) struct Piece {
    number: i64,
    bytes: Bytes,
}

/// What has come and is not yet a piece.
#[derive(Default)]
pub(super) struct Rest {
    bytes: BytesMut,
    total: u64,
    pieces: i64,
}

impl Rest {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes have come in all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The next whole piece, if it is there.
    pub(super) fn whole(&mut self) -> Option<Piece> {
        (self.bytes.len() >= PIECE).then(|| self.cut(PIECE))
    }

    /// What is left at the end.
    pub(super) fn last(&mut self) -> Option<Piece> {
        (!self.bytes.is_empty()).then(|| self.cut(self.bytes.len()))
    }

    fn cut(&mut self, length: usize) -> Piece {
        let piece = Piece { number: self.pieces, bytes: self.bytes.split_to(length).freeze() };
        self.pieces += 1;
        piece
    }
}

/// How many pieces a file of this size has.
pub(super) fn count(size: u64) -> i64 {
    i64::try_from(size.div_ceil(PIECE as u64)).unwrap_or(i64::MAX)
}

pub(super) async fn begin<E: Engine>(on: &mut E::Connection, id: Uuid) -> Result<(), Failure> {
    E::execute(on, BEGIN, &[Value::Id(id)]).await?;
    Ok(())
}

pub(super) async fn keep<E: Engine>(on: &mut E::Connection, id: Uuid, piece: &Piece) -> Result<(), Failure> {
    let values = [Value::Id(id), Value::Number(piece.number), Value::Bytes(&piece.bytes)];
    match E::execute(on, KEEP, &values).await? {
        0 => Err(PortError::Unavailable("the upload was given up".into()).into()),
        _ => Ok(()),
    }
}

pub(super) async fn read<E: Engine>(on: &mut E::Connection, id: Uuid, number: i64) -> Result<Bytes, Failure> {
    let row: Option<(Vec<u8>,)> = E::row(on, READ, &[Value::Id(id), Value::Number(number)]).await?;
    // Forgotten while it was read.
    let (bytes,) = row.ok_or_else(|| PortError::Unavailable("a piece of the upload is not there".into()))?;
    Ok(Bytes::from(bytes))
}
