//! Events and answers to frames.

mod answer;
mod custom;
mod happened;
mod people;
mod sign;
mod told;

use bytes::Bytes;
use domain::words::{Event, Form};

pub(super) use answer::answer;

use crate::json::{self, SHORT};
use happened::Happened;

/// An event, or nothing where these clients do not hear of it.
pub(super) fn event(event: &Event, form: Form) -> Option<Bytes> {
    if let Event::Sign { room, sign } = event {
        let frame = sign::Shown::new(room, sign, form)?;
        return Some(json::frame(SHORT + frame.size(), &frame));
    }
    let frame = Happened::new(event, form)?;
    Some(json::frame(SHORT + frame.size(), &frame))
}
