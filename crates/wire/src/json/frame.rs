//! The fields that a client of a raw door may send, as they came; which of them count, the type decides.
//!
//! Fields that nobody here knows are read and dropped. One that is known and stands there twice is refused,
//! since a proxy and this server could otherwise disagree about which one counts.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Mark, Value};

/// One frame, before any rule is applied to its fields.
#[derive(Debug, Default)]
pub(crate) struct Frame<'a> {
    /// `type`.
    pub(crate) name: Option<Value<'a>>,
    /// `ref`.
    pub(crate) mark: Option<Mark<'a>>,
    pub(crate) room_id: Option<Value<'a>>,
    pub(crate) room: Option<Value<'a>>,
    pub(crate) message: Option<Value<'a>>,
    pub(crate) client_id: Option<Value<'a>>,
    pub(crate) since: Option<Value<'a>>,
    pub(crate) epoch: Option<Value<'a>>,
    pub(crate) history: Option<Value<'a>>,
    rare: Option<Box<Rare<'a>>>,
}

/// Fields that an ordinary message does not have. Kept apart, so that what is read most stays small.
#[derive(Debug, Default)]
pub(crate) struct Rare<'a> {
    pub(crate) message_type: Option<Value<'a>>,
    pub(crate) reply_to: Option<Value<'a>>,
    pub(crate) attachment_ids: Option<Raw<'a>>,
    pub(crate) id: Option<Value<'a>>,
    pub(crate) emoji: Option<Value<'a>>,
    pub(crate) remove: Option<Value<'a>>,
    pub(crate) active: Option<Value<'a>>,
    pub(crate) before: Option<Value<'a>>,
    pub(crate) limit: Option<Value<'a>>,
    pub(crate) to: Option<Value<'a>>,
    pub(crate) kind: Option<Value<'a>>,
    pub(crate) data: Option<Raw<'a>>,
    pub(crate) scope: Option<Value<'a>>,
    pub(crate) token: Option<Value<'a>>,
    pub(crate) event_id: Option<Value<'a>>,
}

/// A value as it was written, and known to be good: of bounded depth, and without lone surrogates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'a>(pub(crate) &'a str);

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        serde_json::from_str::<Value<'de>>(text).map_err(D::Error::custom)?;
        Ok(Self(text))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Type,
    Ref,
    RoomId,
    Room,
    Message,
    ClientId,
    Since,
    Epoch,
    History,
    MessageType,
    ReplyTo,
    AttachmentIds,
    Id,
    Emoji,
    Remove,
    Active,
    Before,
    Limit,
    To,
    Kind,
    Data,
    Scope,
    Token,
    EventId,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for Frame<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Frame<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Frame<'de>, A::Error> {
        let mut frame = Frame::default();
        while let Some(field) = object.next_key::<Field>()? {
            frame.take(&field, &mut object)?;
        }
        Ok(frame)
    }
}

impl<'de> Frame<'de> {
    /// The fields that an ordinary message does not have.
    pub(crate) fn rare(&mut self) -> Rare<'de> {
        self.rare.take().map_or_else(Rare::default, |rare| *rare)
    }

    fn rare_fields(&mut self) -> &mut Rare<'de> {
        self.rare.get_or_insert_default()
    }

    fn take<A: MapAccess<'de>>(&mut self, field: &Field, object: &mut A) -> Result<(), A::Error> {
        match field {
            Field::Type => once("type", &mut self.name, object),
            Field::Ref => once("ref", &mut self.mark, object),
            Field::RoomId => once("roomId", &mut self.room_id, object),
            Field::Room => once("room", &mut self.room, object),
            Field::Message => once("message", &mut self.message, object),
            Field::ClientId => once("clientId", &mut self.client_id, object),
            Field::Since => once("since", &mut self.since, object),
            Field::Epoch => once("epoch", &mut self.epoch, object),
            Field::History => once("history", &mut self.history, object),
            Field::MessageType => once("messageType", &mut self.rare_fields().message_type, object),
            Field::ReplyTo => once("replyTo", &mut self.rare_fields().reply_to, object),
            Field::AttachmentIds => once("attachmentIds", &mut self.rare_fields().attachment_ids, object),
            Field::Id => once("id", &mut self.rare_fields().id, object),
            Field::Emoji => once("emoji", &mut self.rare_fields().emoji, object),
            Field::Remove => once("remove", &mut self.rare_fields().remove, object),
            Field::Active => once("active", &mut self.rare_fields().active, object),
            Field::Before => once("before", &mut self.rare_fields().before, object),
            Field::Limit => once("limit", &mut self.rare_fields().limit, object),
            Field::To => once("to", &mut self.rare_fields().to, object),
            Field::Kind => once("kind", &mut self.rare_fields().kind, object),
            Field::Data => once("data", &mut self.rare_fields().data, object),
            Field::Scope => once("scope", &mut self.rare_fields().scope, object),
            Field::Token => once("token", &mut self.rare_fields().token, object),
            Field::EventId => once("eventId", &mut self.rare_fields().event_id, object),
            Field::Unknown => object.next_value::<Value<'de>>().map(drop),
        }
    }
}

fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    name: &'static str,
    slot: &mut Option<T>,
    object: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *slot = Some(object.next_value()?);
    Ok(())
}
