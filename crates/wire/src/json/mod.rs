//! What the dialects share: the values inside their frames, and on the raw doors the frame that is one JSON object.
//!
//! Reading goes from bytes to a dialect's own struct of [`Value`]s in one pass, whatever the types of its
//! fields are; rules about them come afterwards, so that a refusal can name the field and repeat the
//! client's mark. Writing goes from borrowed words straight into one buffer.

mod chat;
mod error;
mod field;
mod fields;
mod frame;
mod mark;
mod raw;
mod room;
mod value;
mod words;

use bytes::Bytes;
use domain::words::{Code, Fault};
use serde::{Deserialize, Serialize};

pub(crate) use chat::{Chat, Resync};
pub(crate) use error::{ErrorFrame, milliseconds};
pub(crate) use field::{client_id, epoch, flag, message_id, message_type, reply_to, since, uploads, user};
pub(crate) use fields::each_field;
pub(crate) use frame::{Frame, Rare};
pub(crate) use mark::{Mark, mark, read_mark};
pub(crate) use raw::{Pong, Reconnect, SHORT, Seats, Stats};
pub(crate) use room::{LOBBY, RoomName, named, room, written};
pub(crate) use value::{LARGEST, Value, text, whole};
pub(crate) use words::{Id, Reason, User, unusual};

/// A frame that breaks a rule.
pub(crate) fn invalid(rule: &'static str) -> Fault {
    Fault::new(Code::InvalidMessage, rule)
}

/// Reads a frame that must be one JSON object in UTF-8, text or binary.
pub(crate) fn object<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, Fault> {
    let text = std::str::from_utf8(frame).map_err(|_| invalid("the frame is not UTF-8"))?;
    // A derived struct would take a list for an object with its fields in order.
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return Err(invalid("the frame is not a JSON object"));
    }
    serde_json::from_str(text)
        .map_err(|error| Fault::new(Code::InvalidMessage, format!("the frame cannot be read: {error}")))
}

/// Writes a frame into one buffer that begins with room for `capacity` bytes.
pub(crate) fn frame(capacity: usize, frame: &impl Serialize) -> Bytes {
    let mut buffer = Vec::with_capacity(capacity);
    write(&mut buffer, frame);
    buffer.into()
}

/// Writes one value behind what the buffer holds.
pub(crate) fn write(buffer: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(buffer, value).expect("a buffer takes every byte, and keys are strings");
}
