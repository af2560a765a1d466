//! One field of a message as it is documented: its name, what may stand there, and what that means.
//!
//! Nothing here is looked at while a frame is read: readers know their fields. That both agree is what tests are for.

/// One field of a message, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Another name that it may have instead.
    pub also: Option<&'static str>,
    /// Whether it must be there.
    pub required: bool,
    /// Whether its value may stand alone, in place of the object that would hold it.
    pub alone: bool,
    /// What may stand there.
    pub shape: Shape,
    /// What it means.
    pub means: &'static str,
}

/// What may stand in a field. Where the field is not required, null is the same as nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any JSON, as far as this can say it.
    Anything,
    /// A string. How long it may be is one of the limits.
    Text,
    /// A string of one to so many characters, without NUL.
    Short(u64),
    /// One of these strings.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number, not below the first and not above the second one, where there is one.
    Whole(u64, Option<u64>),
    /// A bare name of a room: a string or a number.
    RoomName,
    /// A room as the hub names it: the lobby, a key or a bare name.
    RoomKey,
    /// A user's id: a string or a number.
    User,
    /// A user's id or a room as the hub names it; another field says which.
    Recipient,
    /// A UUID.
    Id,
    /// A list of UUIDs.
    Ids,
    /// An event's number, or its digits as a string.
    Event,
}

impl Field {
    /// A field that must be there.
    pub const fn required(name: &'static str, means: &'static str) -> Self {
        Self { name, also: None, required: true, alone: false, shape: Shape::Anything, means }
    }

    /// A field that may be absent or null.
    pub const fn optional(name: &'static str, means: &'static str) -> Self {
        Self { required: false, ..Self::required(name, means) }
    }

    /// The same field, with what may stand there.
    #[must_use]
    pub const fn of(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// The same field, under either of two names.
    #[must_use]
    pub const fn or(mut self, name: &'static str) -> Self {
        self.also = Some(name);
        self
    }

    /// The same field, whose value may stand alone in place of the object.
    #[must_use]
    pub const fn or_alone(mut self) -> Self {
        self.alone = true;
        self
    }
}
