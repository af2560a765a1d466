//! What a client that lost its connection, or its node, comes back to: kept where every node can read it.
//!
//! Kept of each room is a place that the client has *proven* to have reached (by answering a ping that was written
//! behind it). What it was shown since, it says itself when it comes back, with the last event that it received. So
//! nothing is written per message, and nothing is lost or repeated whenever a node dies.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Node;
use super::core::Resume;
use super::opening::Way;
use crate::ports::PortError;
use crate::words::{ConnectionId, Form, Position, RoomId, RoomRef, UserId};

/// Where nothing moves, a client's past is kept again with every so many answers to pings: an idle client hardly costs
/// anything then.
pub(super) const PROOFS: u32 = 3;

/// One connection's claim on its own past.
#[derive(Debug, Clone)]
pub(super) struct Recovery {
    /// The connection as others know it; the same when it comes back.
    pub(super) public: Box<str>,
    /// The secret that it comes back with.
    pub(super) secret: Box<str>,
    /// Whether it has come back.
    pub(super) resumed: bool,
}

/// Where a client stood.
pub(super) struct Past {
    /// In which rooms, and where.
    pub(super) ways: Vec<Way>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    user: String,
    public: String,
    rooms: Vec<KeptRoom>,
}

#[derive(Serialize, Deserialize)]
struct KeptRoom {
    key: String,
    number: bool,
    by_command: bool,
    epoch: u64,
    seq: u64,
}

fn key(secret: &str) -> String {
    format!("resume:{secret}")
}

impl Recovery {
    /// For a client that was not here before.
    pub(super) fn fresh(connection: ConnectionId) -> Self {
        Self {
            public: connection.to_string().into(),
            secret: format!("{:032x}", rand::random::<u128>()).into(),
            resumed: false,
        }
    }

    /// What is kept of a client that comes back, if the secret is its user's.
    pub(super) async fn recall(
        node: &Node,
        resume: &Resume,
        user: &UserId,
    ) -> Result<Option<(Self, Past)>, PortError> {
        let Some(bytes) = node.notes().recall(&key(&resume.recovery)).await? else { return Ok(None) };
        let Ok(kept) = rmp_serde::from_slice::<Kept>(&bytes) else { return Ok(None) };
        if kept.user != user.as_str() {
            return Ok(None);
        }
        let recovery = Self { public: kept.public.into(), secret: resume.recovery.clone(), resumed: true };
        Ok(Some((recovery, Past { ways: kept.rooms.iter().filter_map(way).collect() })))
    }

    /// Keeps where the client stands for as long as it may take to come back.
    pub(super) async fn keep(&self, node: &Node, user: &UserId, ways: &[Way]) -> Result<(), PortError> {
        let rooms = ways.iter().filter_map(kept).collect();
        let kept = Kept { user: user.as_str().to_owned(), public: self.public.to_string(), rooms };
        let bytes = rmp_serde::to_vec_named(&kept).expect("strings and numbers always encode");
        // It is written again with every `PROOFS`th answered ping at the latest; pings and answers may be late.
        let limits = node.limits();
        let ttl = limits.recovery + limits.ping_interval.max(Duration::from_secs(1)) * (PROOFS + 2);
        node.notes().keep(&key(&self.secret), Bytes::from(bytes), ttl).await
    }

    /// The client will not, or must not, come back to this.
    pub(super) async fn forget(&self, node: &Node) {
        if let Err(error) = node.notes().forget(&key(&self.secret)).await {
            tracing::debug!(%error, "a client's past lapses by itself");
        }
    }
}

impl Past {
    /// The client says that it has reached these places.
    pub(super) fn advance(&mut self, places: Vec<(RoomId, Position)>) {
        for (room, place) in places {
            if let Some(way) = self.ways.iter_mut().find(|way| way.room.id == room) {
                way.from = way.from.max(Some(place));
            }
        }
    }
}

fn way(kept: &KeptRoom) -> Option<Way> {
    let id = RoomId::parse(&kept.key).ok()?;
    let form = if kept.number { Form::Number } else { Form::Text };
    let from = Some(Position { epoch: kept.epoch, seq: kept.seq });
    Some(Way { room: RoomRef { id, form }, from, by_command: kept.by_command })
}

fn kept(way: &Way) -> Option<KeptRoom> {
    let from = way.from?;
    Some(KeptRoom {
        key: way.room.id.key().to_owned(),
        number: way.room.form == Form::Number,
        by_command: way.by_command,
        epoch: from.epoch,
        seq: from.seq,
    })
}
