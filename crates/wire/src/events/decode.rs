//! What the types of this door take, and what their fields must be.

use domain::dialect::{Misread, Request};
use domain::words::{Command, EventId, Fault, Join};

use crate::json::{self, Frame, Value, invalid};
use crate::types::{self, Field, Handler, ReadFrame, Shape};

/// Every type that this door understands.
pub(super) const TYPES: &[Handler<ReadFrame>] = &[
    Handler::new("subscribe_event", SUBSCRIBE, subscribe),
    Handler::new("ping", &[], |_| Ok(Command::Ping)),
    Handler::new("get_stats", &[], |_| Ok(Command::Stats)),
];

const SUBSCRIBE: &[Field] =
    &[Field::required("eventId", "the event; ends the former subscription").of(Shape::Event)];

/// Reads one frame. Clients in the field know these words.
pub(super) fn request(frame: &[u8]) -> Result<Request, Misread> {
    let unreadable = |_| Misread { fault: invalid("Invalid message format"), reference: None };
    types::request(json::object(frame).map_err(unreadable)?, TYPES)
}

fn subscribe(mut frame: Frame<'_>) -> Result<Command, Fault> {
    let rule = "eventId must be there and must be a whole number, 0 or more";
    let room = match frame.rare().event_id {
        Some(Value::Text(digits)) => super::watched(&digits),
        Some(Value::Whole(number)) => {
            let number = u64::try_from(number).ok();
            number.and_then(|number| EventId::new(number).ok()).map(super::feed)
        }
        None | Some(Value::Fraction | Value::Null | Value::Boolean(_) | Value::Other) => None,
    };
    let room = room.ok_or_else(|| invalid(rule))?;
    Ok(Command::Join(Join { room, since: None, epoch: None, history: Some(0), alone: true }))
}
