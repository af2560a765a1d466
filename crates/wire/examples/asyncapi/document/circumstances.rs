//! What is true of every door: how one comes in, what refusals mean, and why connections end.

use domain::words::{CloseReason, Code};
use serde_json::{Value, json};

use super::reference;

pub(super) fn info() -> Value {
    json!({
        "title": "Hubbub",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "The sockets of Hubbub: rooms and chats over raw WebSockets and over Socket.IO, and the feeds of events. \
            What a client sends is received here; what the server tells is sent. All doors share the rooms: what is said at one \
            of them is heard at the others, each in its own words.\n\n\
            New fields may be added anywhere at any time; clients must ignore what they do not know. `x-role` is the least role \
            that may send a message (`user`, `moderator`, `admin`, `service`), `x-cost` as how many commands it counts.",
        "license": { "name": "Apache-2.0" },
    })
}

pub(super) fn servers() -> Value {
    let variables = json!({ "host": {
        "default": "127.0.0.1:8080",
        "description": "Where the gateway, or the balancer before it, listens.",
    }});
    let security: Vec<_> = ["bearer", "query", "cookie", "subprotocol"]
        .map(|scheme| reference(&format!("components/securitySchemes/{scheme}")))
        .into();
    let server = |protocol: &str, description: &str| {
        json!({
            "host": "{host}",
            "protocol": protocol,
            "description": description,
            "variables": variables,
            "security": security,
        })
    };
    json!({ "plain": server("ws", "Without TLS."), "secure": server("wss", "Behind TLS.") })
}

/// Where a token is looked for. The first place that holds anything decides.
pub(super) fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "`Authorization: Bearer …`; looked for first. Clients of Socket.IO may hand in `auth.token` with CONNECT; \
                it is looked for next.",
        },
        "query": {
            "type": "httpApiKey",
            "in": "query",
            "name": "token",
            "description": "Looked for after the header and `auth.token`.",
        },
        "cookie": {
            "type": "httpApiKey",
            "in": "cookie",
            "name": "token",
            "description": "Looked for after the query; its name is a setting. The `Origin` must be the server's own or an allowed one.",
        },
        "subprotocol": {
            "type": "httpApiKey",
            "in": "header",
            "name": "Sec-WebSocket-Protocol",
            "description": "`hubbub.bearer, <token>`, on raw WebSockets alone; the answer names `hubbub.bearer`. Looked for last.",
        },
    })
}

pub(super) fn correlation_ids() -> Value {
    json!({ "ref": {
        "location": "$message.payload#/ref",
        "description": "The client's own mark on a request, repeated in its answer.",
    }})
}

/// Every code, in the order in which it is documented. Who adds one is led here by `means`.
const CODES: &[Code] = &[
    Code::InvalidMessage,
    Code::UnknownType,
    Code::InvalidRoom,
    Code::NotInRoom,
    Code::NotAParticipant,
    Code::Forbidden,
    Code::NotFound,
    Code::Conflict,
    Code::SoldOut,
    Code::Unauthorized,
    Code::TooLarge,
    Code::TooManyRooms,
    Code::TooManyConnections,
    Code::RateLimited,
    Code::Overloaded,
    Code::TokenExpired,
    Code::Internal,
];

fn means(code: Code) -> &'static str {
    match code {
        Code::InvalidMessage => {
            "Not a frame of this door, or a field that is missing, mistyped, twice or out of range."
        }
        Code::UnknownType => "A type or an event that is not known here.",
        Code::InvalidRoom => "Not a legal room.",
        Code::NotInRoom => "Join the room first.",
        Code::NotAParticipant => "Only participants of the chat may do this.",
        Code::Forbidden => "This token, role or user may not do this.",
        Code::NotFound => "There is no such message, chat, user or upload.",
        Code::Conflict => "It contradicts what is there.",
        Code::SoldOut => "Fewer seats are left than were asked for; over HTTP alone.",
        Code::Unauthorized => "No token, or a bad one.",
        Code::TooLarge => "The text or the frame is too large.",
        Code::TooManyRooms => "This connection has joined as many rooms as it may.",
        Code::TooManyConnections => "The user has as many connections as they may.",
        Code::RateLimited => "Too many commands or messages; wait `retryAfterMs`.",
        Code::Overloaded => "The server cannot accept or look this up now; wait `retryAfterMs` and repeat.",
        Code::TokenExpired => "Said before the close with 4401.",
        Code::Internal => "The server's fault.",
    }
}

pub(super) fn codes() -> Vec<&'static str> {
    CODES.iter().map(|code| code.as_str()).collect()
}

pub(super) fn error_codes() -> Value {
    let one = |code: &Code| {
        let counts = code.is_bad_frame();
        json!({ "code": code.as_str(), "description": means(*code), "countsAsBadFrame": counts })
    };
    CODES.iter().map(one).collect()
}

/// Every end, in the order of its number. Who adds one is led here by `ends`.
const CLOSES: &[CloseReason] = &[
    CloseReason::Normal,
    CloseReason::Silent,
    CloseReason::BadToken("Authentication token required"),
    CloseReason::BadToken("Invalid authentication token"),
    CloseReason::FrameTooLarge,
    CloseReason::Unavailable,
    CloseReason::Draining,
    CloseReason::SlowConsumer,
    CloseReason::PositionLost,
    CloseReason::TokenExpired,
    CloseReason::RateAbused,
    CloseReason::BadFrames,
    CloseReason::Kicked,
    CloseReason::TooManyConnections,
];

fn ends(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Normal => "The client said goodbye.",
        CloseReason::Silent => "Nothing was heard for longer than the ping timeout.",
        CloseReason::BadToken(_) => "At `/` and `/ws/events/{eventId}` alone: no token, or a bad one.",
        CloseReason::FrameTooLarge => "A frame above the limit.",
        CloseReason::Unavailable => "A part of the server that this client needs is away; Socket.IO alone.",
        CloseReason::Draining => "This node is going down; another one has room.",
        CloseReason::SlowConsumer => "The client reads too slowly and its queue is full; resume.",
        CloseReason::PositionLost => "The server lost the client's place in a room; rejoin.",
        CloseReason::TokenExpired => "The token's time has passed; come back with a fresh one.",
        CloseReason::RateAbused => "Commands kept coming after `rate_limited`.",
        CloseReason::BadFrames => "Too many bad frames within a minute.",
        CloseReason::Kicked => "Disconnected or disabled by an operator, or the token is revoked.",
        CloseReason::TooManyConnections => {
            "The user has as many connections as they may, or this one was replaced by a newer one."
        }
    }
}

pub(super) fn close_codes() -> Value {
    let one = |reason: &CloseReason| {
        json!({
            "code": reason.code(),
            "reason": reason.as_str(),
            "description": ends(*reason),
            "stayAway": reason.is_terminal(),
        })
    };
    CLOSES.iter().map(one).collect()
}
