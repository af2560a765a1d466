//! What happens in a live room: `receive_message`, `room_members`, `resync`. Nothing else is in this vocabulary.

use bytes::Bytes;
use domain::words::{Attachment, Author, ClientId, Content, Event, Form, Message, RoomId, Sign, Timestamp};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Mark;
use super::frame::{Outlet, SHORT};
use crate::json::{Id, Reason, RoomName, User, each_field, unusual};

/// What a message's object holds beside its text, in bytes: enough for most, so that one allocation does.
const ENVELOPE: usize = 384;
/// What a member takes beside their name, in bytes.
const MEMBER: usize = 64;

/// An event in a live room.
pub(super) fn event(event: &Event, form: Form, outlet: Outlet<'_>) -> Option<Bytes> {
    match event {
        Event::Message(message) => received(message, form, outlet),
        Event::Resync { room, position } => {
            Some(outlet.event(SHORT, "resync", &Mark::new(room, form, *position)))
        }
        Event::Sign { room, sign: Sign::Members { members, count, came: _, left: _ } } => {
            Some(shown(room, members, *count, form, outlet))
        }
        Event::Sign { sign: Sign::Typing { .. } | Sign::Read { .. } | Sign::Status { .. }, .. }
        | Event::Sign { sign: Sign::Signal(_) | Sign::Attendance { .. } | Sign::Seats(_), .. }
        // Announcements are told in the same words everywhere.
        | Event::Sign { sign: Sign::Announcement(_), .. }
        | Event::Edited(_)
        | Event::Deleted(_)
        | Event::Reacted(_)
        | Event::Unreacted(_) => None,
    }
}

fn shown(room: &RoomId, members: &[Author], count: u64, form: Form, outlet: Outlet<'_>) -> Bytes {
    let name = |member: &Author| member.name.as_ref().map_or(0, |name| name.len());
    let capacity = SHORT + members.iter().map(|member| MEMBER + name(member)).sum::<usize>();
    let members = Roster(members);
    outlet.event(capacity, "room_members", &Members { room_id: RoomName { id: room, form }, members, count })
}

/// A message that stands. `text` is empty where `unreadable` says why.
fn received(message: &Message, form: Form, outlet: Outlet<'_>) -> Option<Bytes> {
    if message.deleted_at.is_some() {
        return None;
    }
    let received = Received::new(message, form);
    let extra = received.extra.text.map_or(0, str::len);
    let text = received.text.len() + received.text.len() / 8;
    let capacity = ENVELOPE + extra + text + received.attachments.len() * 256;
    Some(outlet.event(capacity, "receive_message", &received))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Received<'a> {
    #[serde(flatten)]
    extra: Extra<'a>,
    room_id: RoomName<'a>,
    text: &'a str,
    user_id: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    id: Id,
    seq: u64,
    epoch: u64,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    sent_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Id>,
    #[serde(skip_serializing_if = "<[Attachment]>::is_empty")]
    attachments: &'a [Attachment],
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Reason>,
}

impl<'a> Received<'a> {
    fn new(message: &'a Message, form: Form) -> Self {
        let Author { user, name } = &message.author;
        let readable = message.content.as_ref().ok();
        let message_type = readable.and_then(|content| unusual(content.message_type));
        let reply_to = readable.and_then(Content::reply_to).map(Id);
        let attachments: &[Attachment] = readable.map_or(&[], |content| &content.attachments);
        let extra = Extra {
            text: readable.and_then(|content| content.extra.as_deref()),
            shown: [
                message_type.map(|_| "messageType"),
                reply_to.as_ref().map(|_| "replyTo"),
                (!attachments.is_empty()).then_some("attachments"),
            ],
        };
        Self {
            extra,
            room_id: RoomName { id: &message.room, form },
            text: readable.map_or("", |content| &content.text),
            user_id: User(user),
            username: name.as_deref(),
            id: Id(message.id),
            seq: message.position.seq,
            epoch: message.position.epoch,
            sent_at: message.sent_at,
            client_id: message.client_id.as_ref().map(ClientId::as_str),
            message_type,
            reply_to,
            attachments,
            unreadable: message.content.as_ref().err().copied().map(Reason),
        }
    }
}

/// The client's own further fields, without those whose names are ours. Ours count even where we have nothing to
/// say: a sender must not give itself a name that its token does not have.
struct Extra<'a> {
    /// The text of one JSON object.
    text: Option<&'a str>,
    /// Names that are ours in this message alone.
    shown: [Option<&'static str>; 3],
}

impl Extra<'_> {
    fn is_ours(&self, name: &str) -> bool {
        let always = matches!(
            name,
            "roomId"
                | "text"
                | "userId"
                | "username"
                | "id"
                | "seq"
                | "epoch"
                | "sentAt"
                | "clientId"
                | "unreadable"
        );
        always || self.shown.contains(&Some(name))
    }
}

impl Serialize for Extra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        let mut written = Ok(());
        // What is no object ends early: the fields before are whole, and the message itself still counts.
        let _ = each_field(self.text.unwrap_or("{}"), |name, value| {
            if written.is_ok() && !self.is_ours(&name) {
                written = object.serialize_entry(&name, value);
            }
        });
        written?;
        object.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    room_id: RoomName<'a>,
    members: Roster<'a>,
    count: u64,
}

struct Roster<'a>(&'a [Author]);

impl Serialize for Roster<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Member::from))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Member<'a> {
    user_id: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
}

impl<'a> From<&'a Author> for Member<'a> {
    fn from(Author { user, name }: &'a Author) -> Self {
        Self { user_id: User(user), username: name.as_deref() }
    }
}
