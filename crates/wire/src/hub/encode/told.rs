//! The frames that answer one client.

use domain::dialect::Allowance;
use domain::words::Timestamp;
use serde::{Serialize, Serializer};

use super::happened::Happened;
use super::people::Online;
use crate::json::{Id, Mark, RoomName, User};

/// One frame.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum Told<'a> {
    Joined {
        room_id: RoomName<'a>,
        seq: u64,
        epoch: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        recovered: Option<bool>,
        history: Page<'a>,
        members: u64,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        mark: Option<Mark<'a>>,
    },
    Left {
        room_id: RoomName<'a>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        mark: Option<Mark<'a>>,
    },
    Ack {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        mark: Option<Mark<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Id>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        epoch: Option<u64>,
    },
    Welcome {
        connection_id: &'a str,
        user_id: User<'a>,
        #[serde(flatten)]
        online: Online<'a>,
        limits: Limits,
        #[serde(serialize_with = "crate::timestamp::serialize")]
        server_time: Timestamp,
    },
    Stored {
        room_id: RoomName<'a>,
        epoch: u64,
        seq: u64,
    },
    History {
        room_id: RoomName<'a>,
        messages: Page<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_before: Option<u64>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        mark: Option<Mark<'a>>,
    },
    Users {
        #[serde(flatten)]
        online: Online<'a>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        mark: Option<Mark<'a>>,
    },
    /// Something happened to the client in a room without its doing.
    Error {
        code: &'static str,
        message: &'static str,
        room_id: RoomName<'a>,
    },
    TokenExpiring {
        in_ms: u64,
    },
}

/// Events of one room, oldest first, each as its live frame.
pub(super) struct Page<'a>(pub(super) Vec<Happened<'a>>);

impl Page<'_> {
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|happened| 256 + happened.size()).sum()
    }
}

impl Serialize for Page<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

/// What the client may do; zero: no such limit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Limits {
    frame: usize,
    text: usize,
    rooms: usize,
    commands_per_second: u32,
    commands_burst: u32,
}

impl Limits {
    pub(super) fn new(allowance: &Allowance) -> Self {
        let Allowance { frame, text, rooms, commands_per_second, commands_burst } = *allowance;
        Self { frame, text, rooms, commands_per_second, commands_burst }
    }
}
