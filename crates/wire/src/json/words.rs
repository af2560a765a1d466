//! The domain's words as every dialect writes them.

use domain::words::{MessageId, MessageType, Unreadable, UserId};
use serde::{Serialize, Serializer};

/// A message's id: a UUID with hyphens.
pub(crate) struct Id(pub(crate) MessageId);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.0.serialize(serializer)
    }
}

/// Why a text cannot be shown: a stable word.
pub(crate) struct Reason(pub(crate) Unreadable);

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A user id in the type of that user's own token.
pub(crate) struct User<'a>(pub(crate) &'a UserId);

impl Serialize for User<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_str().parse::<i64>() {
            Ok(number) if self.0.is_numeric() => serializer.serialize_i64(number),
            Ok(_) | Err(_) => serializer.serialize_str(self.0.as_str()),
        }
    }
}

/// Plain text goes without saying.
pub(crate) fn unusual(kind: MessageType) -> Option<&'static str> {
    match kind {
        MessageType::Text => None,
        MessageType::Image | MessageType::File | MessageType::System => Some(kind.as_str()),
    }
}
