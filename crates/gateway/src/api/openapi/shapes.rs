//! Shapes that several operations share and that no value of ours has by itself.

use serde::Serialize;
use utoipa::ToSchema;

/// A user id, in the type of the user's own token. `7` and `"7"` are one user.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = UserId)]
#[allow(dead_code, reason = "a shape for the document; the domain parses user ids")]
pub(crate) enum AnyUserId {
    Text(TextUserId),
    Number(NumericUserId),
}

/// A user id as a text without NUL.
#[derive(Serialize, ToSchema)]
#[schema(min_length = 1, max_length = 128, pattern = r"^[^\x00]{1,128}$", example = "anna")]
#[allow(dead_code, reason = "a shape for the document; the domain parses user ids")]
pub(crate) struct TextUserId(String);

/// A user id as an integer that every JSON implementation can hold.
#[derive(Serialize, ToSchema)]
#[schema(minimum = -9007199254740992i64, maximum = 9007199254740992i64, example = 7)]
#[allow(dead_code, reason = "a shape for the document; the domain parses user ids")]
pub(crate) struct NumericUserId(i64);

/// The process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub(crate) status: &'static str,
}

/// A room's key: `namespace:name`.
#[derive(ToSchema)]
#[schema(
    example = "room:lounge",
    pattern = r"^((room|chat|lobby|event):[A-Za-z0-9_.:\-]{1,128}|user:[^\x00]{1,128})$"
)]
#[allow(dead_code, reason = "a shape for the document; the domain parses room keys")]
pub(crate) struct RoomKey(String);

/// A moment: RFC 3339, UTC, milliseconds.
#[derive(ToSchema)]
#[schema(example = "2026-11-20T19:00:00.123Z", format = DateTime,
    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")]
#[allow(dead_code, reason = "a shape for the document")]
pub(crate) struct Moment(String);
