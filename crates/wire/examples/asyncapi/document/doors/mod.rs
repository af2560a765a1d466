//! The doors: where each one is, what its clients may send, and what they are told.

mod events;
mod hub;
mod rooms;
mod socketio;

use serde_json::{Value, json};
use wire::types::Spec;

use super::client::Ask;
use super::server::Tell;
use super::shapes;

/// What one message looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// One JSON object; only refusals repeat the client's mark.
    Objects,
    /// One JSON object; every answer repeats the client's mark.
    Marked,
    /// A Socket.IO event with one object.
    Events,
}

/// One door.
pub(super) struct Door {
    pub(super) name: &'static str,
    pub(super) address: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) parameters: Value,
    pub(super) query: Value,
    pub(super) frames: Frames,
    pub(super) asks: Vec<Ask>,
    pub(super) tells: Vec<Tell>,
}

/// Every door, the simplest first.
pub(super) fn all() -> Vec<Door> {
    vec![rooms::door(), hub::door(), events::door(), socketio::door()]
}

/// What each type is for, and what answers it.
type Purpose = fn(&str) -> (&'static str, Vec<&'static str>);

fn asks<'s>(specs: impl Iterator<Item = &'s Spec>, purpose: Purpose) -> Vec<Ask> {
    let ask = |spec: &Spec| {
        let (summary, answers) = purpose(spec.name);
        Ask { spec: *spec, summary, answers, extra: json!({}) }
    };
    specs.map(ask).collect()
}

/// The query that every door knows.
fn token() -> Value {
    json!({ "token": shapes::text("A JSON Web Token, where it is nowhere else.") })
}
