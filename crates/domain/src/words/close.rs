//! Why a connection is over. The number tells the client what to do next.

/// 1000s and 4000-4499: come back (with backoff, and resume); 4500-4999: stay away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client said goodbye, or its transport is gone.
    Normal,
    /// A missing or bad token at a door that refuses after the upgrade; the words are the door's.
    BadToken(&'static str),
    /// A frame above the limit.
    FrameTooLarge,
    /// This node is going down; another one has room.
    Draining,
    /// The client reads too slowly; resume by `since`.
    SlowConsumer,
    /// The server lost the client's place in a room; rejoin.
    PositionLost,
    /// The token's time has passed; come back with a fresh one.
    TokenExpired,
    /// Commands kept coming after `rate_limited`.
    RateAbused,
    /// Too many bad frames within a minute.
    BadFrames,
    /// Removed by an operator.
    Kicked,
    /// Too many connections of this user, or replaced by a newer one.
    TooManyConnections,
    /// A part of the server that this client needs is away; come back later.
    Unavailable,
    /// Nothing was heard for longer than the ping timeout.
    Silent,
}

impl CloseReason {
    /// The WebSocket close code.
    pub fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::BadToken(_) => 1008,
            Self::FrameTooLarge => 1009,
            Self::Unavailable => 1013,
            Self::Draining => 4001,
            Self::SlowConsumer => 4008,
            Self::PositionLost => 4010,
            Self::Silent => 1001,
            Self::TokenExpired => 4401,
            Self::RateAbused => 4429,
            Self::BadFrames => 4500,
            Self::Kicked => 4503,
            Self::TooManyConnections => 4509,
        }
    }

    /// The close reason on the raw doors: a stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::BadToken(words) => words,
            Self::FrameTooLarge => "too_large",
            Self::Unavailable => "overloaded",
            Self::Draining => "draining",
            Self::SlowConsumer => "slow_consumer",
            Self::PositionLost => "position_lost",
            Self::Silent => "ping_timeout",
            Self::TokenExpired => "token_expired",
            Self::RateAbused => "rate_limited",
            Self::BadFrames => "invalid_message",
            Self::Kicked => "kicked",
            Self::TooManyConnections => "too_many_connections",
        }
    }

    /// Whether a client should stay away.
    pub fn is_terminal(self) -> bool {
        (4500..5000).contains(&self.code())
    }
}
