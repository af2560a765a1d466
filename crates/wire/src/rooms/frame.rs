//! The fields that a client may send, as they came; which of them count, the type decides.
//!
//! Fields that nobody here knows are read and dropped. One that is known and stands there twice is refused,
//! since a proxy and this server could otherwise disagree about which one counts.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::json::{Mark, Value};

/// One frame, before any rule is applied to its fields.
#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    pub(super) kind: Option<Value<'a>>,
    pub(super) room_id: Option<Value<'a>>,
    pub(super) room: Option<Value<'a>>,
    pub(super) message: Option<Value<'a>>,
    pub(super) client_id: Option<Value<'a>>,
    pub(super) since: Option<Value<'a>>,
    pub(super) epoch: Option<Value<'a>>,
    pub(super) history: Option<Value<'a>>,
    pub(super) mark: Option<Mark<'a>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Type,
    RoomId,
    Room,
    Message,
    ClientId,
    Since,
    Epoch,
    History,
    Ref,
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
            match field {
                Field::Type => once("type", &mut frame.kind, &mut object)?,
                Field::RoomId => once("roomId", &mut frame.room_id, &mut object)?,
                Field::Room => once("room", &mut frame.room, &mut object)?,
                Field::Message => once("message", &mut frame.message, &mut object)?,
                Field::ClientId => once("clientId", &mut frame.client_id, &mut object)?,
                Field::Since => once("since", &mut frame.since, &mut object)?,
                Field::Epoch => once("epoch", &mut frame.epoch, &mut object)?,
                Field::History => once("history", &mut frame.history, &mut object)?,
                Field::Ref => once("ref", &mut frame.mark, &mut object)?,
                Field::Unknown => drop(object.next_value::<Value<'de>>()?),
            }
        }
        Ok(frame)
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
