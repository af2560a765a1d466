//! Answers to one client: acknowledgements where it asked for one, and events that it did not ask for.

use bytes::Bytes;
use domain::dialect::{Answer, Welcome};
use domain::ports::Published;
use domain::words::{Code, Fault, Position, RoomRef};
use serde::Serialize;

use super::frame::{Outlet, SHORT, acknowledgement, connected};
use super::{Mark, Named};
use crate::json::{Id, milliseconds};

/// An answer to one client. Only a refusal is told without being asked for.
pub(in crate::socketio) fn answer(answer: &Answer, reference: Option<&str>) -> Option<Bytes> {
    match answer {
        Answer::Joined { room, head, recovered, history: _, members, at: _ } => {
            let joined = Joined::new(room, *head, *recovered, *members);
            Some(acknowledgement(reference?, &joined))
        }
        Answer::Left { .. } | Answer::Done => Some(acknowledgement(reference?, &Done { ok: true })),
        Answer::Accepted { published } => Some(acknowledgement(reference?, &Accepted::new(published))),
        Answer::Refused(fault) => Some(refused(fault, reference)),
        Answer::Welcome(welcome) => Some(connected(&Connected::new(welcome))),
        Answer::Stored { room, through } => Some(told("stored", &Mark::new(&room.id, room.form, *through))),
        Answer::Expelled { room } => Some(told("error", &Expelled::new(room))),
        Answer::Reconnect { retry_after } => {
            Some(told("reconnect", &Reconnect { retry_after_ms: milliseconds(*retry_after) }))
        }
        Answer::TokenExpiring { remaining } => {
            Some(told("token_expiring", &Expiring { in_ms: milliseconds(*remaining) }))
        }
        // Nobody asks for these in this vocabulary.
        Answer::History { .. }
        | Answer::Users(_)
        | Answer::Stats { .. }
        | Answer::Pong { .. }
        | Answer::Custom(_) => None,
    }
}

fn told(name: &'static str, object: &impl Serialize) -> Bytes {
    Outlet::PLAIN.event(SHORT, name, object)
}

fn refused(fault: &Fault, reference: Option<&str>) -> Bytes {
    let error = Refusal::new(fault);
    match reference {
        Some(reference) => acknowledgement(reference, &Refused { ok: false, error }),
        None => told("error", &error),
    }
}

#[derive(Serialize)]
struct Joined<'a> {
    ok: bool,
    #[serde(flatten)]
    room: Named<'a>,
    seq: u64,
    epoch: u64,
    members: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
}

impl<'a> Joined<'a> {
    fn new(
        room: &'a RoomRef,
        Position { epoch, seq }: Position,
        recovered: Option<bool>,
        members: u64,
    ) -> Self {
        Self { ok: true, room: Named::new(&room.id, room.form), seq, epoch, members, recovered }
    }
}

#[derive(Serialize)]
struct Done {
    ok: bool,
}

#[derive(Serialize)]
struct Accepted {
    ok: bool,
    id: Id,
    seq: u64,
    epoch: u64,
}

impl Accepted {
    fn new(Published { position, id, repeated: _ }: &Published) -> Self {
        Self { ok: true, id: Id(*id), seq: position.seq, epoch: position.epoch }
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    ok: bool,
    error: Refusal<'a>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(rename = "retryAfterMs", skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl<'a> Refusal<'a> {
    fn new(Fault { code, message, retry_after }: &'a Fault) -> Self {
        Self { code: code.as_str(), message, retry_after: retry_after.map(milliseconds) }
    }
}

#[derive(Serialize)]
struct Expelled<'a> {
    code: &'static str,
    message: &'static str,
    #[serde(flatten)]
    room: Named<'a>,
}

impl<'a> Expelled<'a> {
    fn new(room: &'a RoomRef) -> Self {
        let code = Code::NotAParticipant.as_str();
        Self { code, message: "you do not take part here any more", room: Named::new(&room.id, room.form) }
    }
}

#[derive(Serialize)]
struct Connected<'a> {
    sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'a str>,
}

impl<'a> Connected<'a> {
    fn new(welcome: &'a Welcome) -> Self {
        Self { sid: &welcome.connection, pid: welcome.recovery.as_deref() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reconnect {
    retry_after_ms: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Expiring {
    in_ms: u64,
}
