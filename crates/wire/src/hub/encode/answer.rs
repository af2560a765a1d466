//! Answers to one client, each with its mark where it was asked for.

use bytes::Bytes;
use domain::dialect::{Answer, Welcome};
use domain::ports::Published;
use domain::words::{Code, Event, Form, Message, Position, RoomRef};

use super::custom::custom;
use super::happened::Happened;
use super::people::Online;
use super::told::{Limits, Page, Told};
use crate::hub::room;
use crate::json::{self, ErrorFrame, Id, Mark, Pong, Reconnect, RoomName, SHORT, Stats, User, milliseconds};

/// An answer to one client. These clients hear of every one.
pub(in crate::hub) fn answer(answer: &Answer, reference: Option<&str>) -> Bytes {
    let mark = json::mark(reference);
    match answer {
        Answer::Joined { room, head, recovered, history, members, at: _ } => {
            let Position { epoch, seq } = *head;
            let history = replay(history, room.form);
            let size = history.size();
            let (recovered, members) = (*recovered, *members);
            told(size, &Told::Joined { room_id: name(room), seq, epoch, recovered, history, members, mark })
        }
        Answer::Left { room } => told(0, &Told::Left { room_id: name(room), mark }),
        Answer::Accepted { published } => told(0, &accepted(published, mark)),
        Answer::Done => told(0, &Told::Ack { mark, id: None, seq: None, epoch: None }),
        Answer::Welcome(welcome) => welcomed(welcome),
        Answer::Stored { room, through: Position { epoch, seq } } => {
            told(0, &Told::Stored { room_id: name(room), epoch: *epoch, seq: *seq })
        }
        Answer::Expelled { room } => told(0, &expelled(room)),
        Answer::History { room, messages, next_before } => {
            let messages = page(messages, room.form);
            let (room_id, size) = (name(room), messages.size());
            told(size, &Told::History { room_id, messages, next_before: *next_before, mark })
        }
        Answer::Users(attendance) => {
            let online = Online::new(attendance);
            told(online.size(), &Told::Users { online, mark })
        }
        Answer::Stats { tally, subscribers } => told(0, &Stats::new(*tally, *subscribers, mark)),
        Answer::Pong { at } => told(0, &Pong { timestamp: *at, reference: mark }),
        Answer::Custom(text) => custom(text, reference),
        Answer::Refused(fault) => told(0, &ErrorFrame::new(fault, reference)),
        Answer::Reconnect { retry_after } => told(0, &Reconnect::new(*retry_after)),
        Answer::TokenExpiring { remaining } => {
            told(0, &Told::TokenExpiring { in_ms: milliseconds(*remaining) })
        }
    }
}

/// A frame that is short but for `size` bytes.
fn told(size: usize, frame: &impl serde::Serialize) -> Bytes {
    json::frame(SHORT + size, frame)
}

fn name(room: &RoomRef) -> RoomName<'_> {
    room::name(&room.id, room.form)
}

/// What was missed, in the same words as it would have been told live.
fn replay(events: &[Event], form: Form) -> Page<'_> {
    Page(events.iter().filter_map(|event| Happened::new(event, form)).collect())
}

fn page(messages: &[Message], form: Form) -> Page<'_> {
    Page(messages.iter().map(|message| Happened::message(message, form)).collect())
}

fn accepted<'a>(Published { position, id, repeated: _ }: &Published, mark: Option<Mark<'a>>) -> Told<'a> {
    Told::Ack { mark, id: Some(Id(*id)), seq: Some(position.seq), epoch: Some(position.epoch) }
}

fn welcomed(welcome: &Welcome) -> Bytes {
    let Welcome { connection, recovery: _, user, attendance, room: _, limits, at } = welcome;
    let nobody = domain::ports::Attendance::default();
    let online = Online::new(attendance.as_ref().unwrap_or(&nobody));
    let size = SHORT + online.size();
    let limits = Limits::new(limits);
    told(
        size,
        &Told::Welcome { connection_id: connection, user_id: User(user), online, limits, server_time: *at },
    )
}

fn expelled(room: &RoomRef) -> Told<'_> {
    let code = Code::NotAParticipant.as_str();
    Told::Error { code, message: "you do not take part here any more", room_id: name(room) }
}
