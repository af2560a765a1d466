//! The dialects: what each kind of client writes and reads, and nothing else.
//!
//! Pure translation between frames and the domain's words: no clock, no randomness, no await, no state.
//! One module per dialect; `json` holds what they share. Who may do what, and the limits
//! of a message's text, are the session's business.

mod json;
mod timestamp;

pub mod events;
pub mod hub;
pub mod rooms;
pub mod socketio;
pub mod types;

pub use timestamp::rfc3339;
