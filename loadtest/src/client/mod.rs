//! One simulated user: lives, talks, repeats what was not acknowledged, comes back.
//!
//! Owns behaviour. What a frame looks like is `wire`, whether it was right to come is `judge`.

pub(crate) mod absence;
pub(crate) mod backoff;
pub(crate) mod catchup;
pub(crate) mod conversation;
pub(crate) mod deeds;
pub(crate) mod ending;
pub(crate) mod history;
pub(crate) mod life;
pub(crate) mod outbox;
pub(crate) mod pace;
pub(crate) mod receiving;
pub(crate) mod tempo;
