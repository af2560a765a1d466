//! Fields that mean the same at several doors.

use super::{Field, Shape};

/// What a message's text may be.
pub(crate) const MESSAGE_TYPES: &[&str] = &["text", "image", "file", "system"];

pub(crate) const CLIENT_ID: Field =
    Field::optional("clientId", "the sender's own name for this; a repeat is not done twice")
        .of(Shape::Short(64));
pub(crate) const SINCE: Field =
    Field::optional("since", "the seq after which events are replayed").of(Shape::Whole(0, None));
pub(crate) const EPOCH: Field = Field::optional("epoch", "the epoch of since").of(Shape::Whole(1, None));
pub(crate) const NEWEST: Field =
    Field::optional("history", "how many of the newest messages to show").of(Shape::Whole(0, Some(100)));
pub(crate) const EMOJI: Field = Field::required("emoji", "the emoji, at most 64 bytes").of(Shape::Short(64));
pub(crate) const REMOVE: Field = Field::optional("remove", "true: take it off again").of(Shape::Flag);
pub(crate) const TO: Field = Field::required("to", "the other user's id").of(Shape::User);
pub(crate) const STEP: Field = Field::required("kind", "the step of the call")
    .of(Shape::Word(&["offer", "answer", "ice", "hangup", "ring"]));
pub(crate) const DATA: Field = Field::optional("data", "anything; it is between the two clients");
pub(crate) const TOKEN: Field = Field::required("token", "a fresh token of the same user").of(Shape::Text);
