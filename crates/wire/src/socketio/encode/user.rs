//! What concerns a user as such, in the user's own room: `user:status` and `call:signal`.

use bytes::Bytes;
use domain::words::{Event, Sign, Signal, Timestamp, UserId};
use serde::Serialize;
use serde_json::value::RawValue;

use super::frame::{Outlet, SHORT};
use crate::json::User;
use crate::rfc3339;

/// An event in a user's own room.
pub(super) fn event(event: &Event, outlet: Outlet<'_>) -> Option<Bytes> {
    match event {
        Event::Sign { sign: Sign::Status { who, online, last_seen }, .. } => {
            Some(status(&who.user, *online, *last_seen, outlet))
        }
        Event::Sign { sign: Sign::Signal(signal), .. } => Some(call(signal, outlet)),
        Event::Sign { sign: Sign::Typing { .. } | Sign::Read { .. } | Sign::Members { .. }, .. }
        | Event::Sign { sign: Sign::Attendance { .. } | Sign::Seats(_), .. }
        // Announcements are told in the same words everywhere.
        | Event::Sign { sign: Sign::Announcement(_), .. }
        | Event::Message(_)
        | Event::Edited(_)
        | Event::Deleted(_)
        | Event::Reacted(_)
        | Event::Unreacted(_)
        | Event::Resync { .. } => None,
    }
}

fn status(who: &UserId, online: bool, last_seen: Option<Timestamp>, outlet: Outlet<'_>) -> Bytes {
    let status = if online { "online" } else { "offline" };
    let status = Status { user_id: User(who), status, last_seen: last_seen.map(rfc3339) };
    outlet.event(SHORT, "user:status", &status)
}

fn call(signal: &Signal, outlet: Outlet<'_>) -> Bytes {
    let call = Call {
        from: User(&signal.from),
        kind: signal.kind.as_str(),
        // Another node's word for it that this is JSON is not enough: what is none is shown as null.
        data: serde_json::from_str(&signal.data).ok(),
    };
    outlet.event(SHORT + signal.data.len(), "call:signal", &call)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    user_id: User<'a>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
}

#[derive(Serialize)]
struct Call<'a> {
    from: User<'a>,
    kind: &'static str,
    data: Option<&'a RawValue>,
}
