//! A client's fault: answered to that client alone; the connection stays.

use std::borrow::Cow;
use std::time::Duration;

/// The published error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Not a frame of this dialect, or a field that breaks its rule.
    InvalidMessage,
    /// A command that this dialect does not know.
    UnknownType,
    /// Not a legal room name.
    InvalidRoom,
    /// The room must be joined first.
    NotInRoom,
    /// Only participants may.
    NotAParticipant,
    /// This token, role or policy may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// A frame or a text above the limit.
    TooLarge,
    /// Too many commands; come back after `retry_after`.
    RateLimited,
    /// This connection joined as many rooms as it may.
    TooManyRooms,
    /// This user has as many connections as they may.
    TooManyConnections,
    /// The server cannot accept this durably now; come back after `retry_after`.
    Overloaded,
    /// The token's time has passed.
    TokenExpired,
    /// No token, or a bad one.
    Unauthorized,
    /// It contradicts what is there.
    Conflict,
    /// Fewer seats are left than were asked for.
    SoldOut,
    /// Our fault.
    Internal,
}

impl Code {
    /// The code on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidMessage => "invalid_message",
            Self::UnknownType => "unknown_type",
            Self::InvalidRoom => "invalid_room",
            Self::NotInRoom => "not_in_room",
            Self::NotAParticipant => "not_a_participant",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::TooManyRooms => "too_many_rooms",
            Self::TooManyConnections => "too_many_connections",
            Self::Overloaded => "overloaded",
            Self::TokenExpired => "token_expired",
            Self::Unauthorized => "unauthorized",
            Self::Conflict => "conflict",
            Self::SoldOut => "sold_out",
            Self::Internal => "internal",
        }
    }

    /// Whether a frame answered with this code counts towards the close for bad frames.
    pub fn is_bad_frame(self) -> bool {
        matches!(self, Self::InvalidMessage | Self::UnknownType | Self::TooLarge)
    }
}

/// A refusal with its reason for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct Fault {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: Cow<'static, str>,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A refusal that repeating will not change.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// A refusal that time will change.
    pub fn retry(code: Code, message: impl Into<Cow<'static, str>>, after: Duration) -> Self {
        Self { code, message: message.into(), retry_after: Some(after) }
    }
}
