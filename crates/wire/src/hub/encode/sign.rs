//! What passes without a place in a room's order.

use domain::words::{Announcement, Author, Form, RoomId, Sign, Signal};
use serde::Serialize;
use serde_json::value::RawValue;

use super::people::{People, Person};
use crate::hub::room;
use crate::json::{Id, RoomName, Seats, User};

/// One frame.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum Shown<'a> {
    Typing {
        room_id: RoomName<'a>,
        #[serde(flatten)]
        who: Person<'a>,
        active: bool,
    },
    Read {
        room_id: RoomName<'a>,
        id: Id,
        user_id: User<'a>,
    },
    Members {
        room_id: RoomName<'a>,
        count: u64,
        #[serde(skip_serializing_if = "People::is_empty")]
        joined: People<'a>,
        #[serde(skip_serializing_if = "People::is_empty")]
        left: People<'a>,
    },
    UserStatus {
        #[serde(flatten)]
        who: Person<'a>,
        status: &'static str,
        users: u64,
    },
    Announcement {
        message: &'a str,
        from: User<'a>,
    },
    Signal {
        from: User<'a>,
        kind: &'static str,
        data: Option<&'a RawValue>,
    },
    #[serde(untagged)]
    Seats(Seats<'a>),
}

impl<'a> Shown<'a> {
    /// The sign, or nothing where these clients do not hear of it.
    pub(super) fn new(id: &'a RoomId, sign: &'a Sign, form: Form) -> Option<Self> {
        let room_id = room::name(id, form);
        Some(match sign {
            Sign::Typing { who, active } => Self::Typing { room_id, who: who.into(), active: *active },
            Sign::Read { message, reader } => Self::Read { room_id, id: Id(*message), user_id: User(reader) },
            Sign::Members { members: _, count, came, left } => {
                Self::Members { room_id, count: *count, joined: People(came), left: People(left) }
            }
            Sign::Attendance { who, online, users } => Self::status(who, *online, *users),
            Sign::Seats(change) => Self::Seats(Seats::new(change, Some(room_id))),
            Sign::Announcement(Announcement { from, message }) => {
                Self::Announcement { message, from: User(from) }
            }
            Sign::Signal(signal) => Self::signal(signal),
            // Who is online is told in the lobby, of everybody.
            Sign::Status { .. } => return None,
        })
    }

    fn status(who: &'a Author, online: bool, users: u64) -> Self {
        Self::UserStatus { who: who.into(), status: if online { "online" } else { "offline" }, users }
    }

    fn signal(Signal { from, kind, data }: &'a Signal) -> Self {
        // Another node's word for it that this is JSON is not enough: what is none is shown as null.
        Self::Signal { from: User(from), kind: kind.as_str(), data: serde_json::from_str(data).ok() }
    }

    /// How many bytes it takes beyond a short frame, roughly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Members { joined, left, .. } => joined.size() + left.size(),
            Self::Announcement { message, .. } => message.len() + message.len() / 8,
            Self::Signal { data, .. } => data.map_or(0, |data| data.get().len()),
            Self::Typing { .. } | Self::Read { .. } | Self::UserStatus { .. } | Self::Seats(_) => 0,
        }
    }
}
