//! Events and answers to frames.

use bytes::Bytes;
use domain::dialect::{Answer, Welcome};
use domain::words::{Event, EventId, RoomRef, Sign, Timestamp};
use serde::Serialize;

use crate::json::{self, ErrorFrame, Pong, Reconnect, SHORT, Seats, Stats};

/// A booking or its end, or nothing: these clients hear of nothing else.
pub(super) fn event(event: &Event) -> Option<Bytes> {
    match event {
        Event::Sign { sign: Sign::Seats(change), .. } => Some(json::frame(SHORT, &Seats::new(change, None))),
        Event::Sign { sign: Sign::Typing { .. } | Sign::Read { .. } | Sign::Status { .. }, .. }
        | Event::Sign { sign: Sign::Members { .. } | Sign::Attendance { .. }, .. }
        | Event::Sign { sign: Sign::Announcement(_) | Sign::Signal(_), .. }
        | Event::Message(_)
        | Event::Edited(_)
        | Event::Deleted(_)
        | Event::Reacted(_)
        | Event::Unreacted(_)
        | Event::Resync { .. } => None,
    }
}

/// An answer to one client.
pub(super) fn answer(answer: &Answer, reference: Option<&str>) -> Option<Bytes> {
    match answer {
        Answer::Welcome(welcome) => Some(json::frame(SHORT, &Established::new(welcome))),
        Answer::Joined { room, at, head: _, recovered: _, history: _, members: _ } => {
            Some(json::frame(SHORT, &Subscribed { event_id: number(room), timestamp: *at }))
        }
        Answer::Stats { tally, subscribers } => {
            Some(json::frame(SHORT, &Stats::new(*tally, *subscribers, None)))
        }
        Answer::Pong { at } => Some(json::frame(SHORT, &Pong { timestamp: *at, reference: None })),
        Answer::Refused(fault) => Some(json::frame(SHORT, &ErrorFrame::new(fault, reference))),
        Answer::Reconnect { retry_after } => Some(json::frame(SHORT, &Reconnect::new(*retry_after))),
        // Nothing that this door understands is answered so.
        Answer::Left { .. }
        | Answer::Accepted { .. }
        | Answer::Done
        | Answer::Stored { .. }
        | Answer::Expelled { .. }
        | Answer::History { .. }
        | Answer::Users(_)
        | Answer::Custom(_)
        | Answer::TokenExpiring { .. } => None,
    }
}

/// The number of the event that is watched. Every room that this door joins has one.
fn number(room: &RoomRef) -> Option<u64> {
    EventId::of_room(&room.id).map(EventId::get)
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "connection_established", rename_all = "camelCase")]
struct Established<'a> {
    client_id: &'a str,
    event_id: Option<u64>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    timestamp: Timestamp,
}

impl<'a> Established<'a> {
    fn new(Welcome { connection, room, at, .. }: &'a Welcome) -> Self {
        Self { client_id: connection, event_id: room.as_ref().and_then(number), timestamp: *at }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "subscribed", rename_all = "camelCase")]
struct Subscribed {
    event_id: Option<u64>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    timestamp: Timestamp,
}
