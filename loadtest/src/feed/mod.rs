//! The booking feed: users who watch events, and users who book and cancel their seats.
//!
//! Owns everything of it: the events of a run, both kinds of life, and the judgement. Shares with chats the targets, the
//! clock, the counters and the stages. A run of this kind goes: `prepare`, `live` for every user, the stages as usual
//! with `due_before` bookings intended, and `settle` in place of the chats'. Users of a chat who `book` besides need
//! `prepare` and the `audit`. Invariant: every change of every event is one seat, made by this process alone, so what
//! a viewer sees must follow seat by seat.

mod audit;
mod board;
mod booking;
mod desk;
mod eye;
mod shows;
mod watching;

use std::sync::Arc;

use tokio::sync::watch;

pub(crate) use audit::{audit, settle};
pub(crate) use booking::{book, due_before};
pub use shows::FeedError;
pub(crate) use shows::{Shows, prepare};

use crate::{
    run::{control::Stage, world::World},
    scenario::feed::Feed,
};

/// What a user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Role {
    books: bool,
    watches: bool,
}

/// The whole life of the `user`th of this process; returns when the run closes or the server tells it to stay away.
pub(crate) async fn live(world: Arc<World>, user: usize, token: String) {
    let Role { books, watches } = role(&world.scenario.feed, user, world.scenario.users);
    let booking = async {
        if books {
            booking::live(Arc::clone(&world), user, token.clone()).await;
        }
    };
    let watching = async {
        if watches {
            watching::live(&world, user, &token).await;
        } else {
            world.tally.joined.add(1);
        }
    };
    tokio::join!(booking, watching);
}

/// Bookers are the first of all users, viewers the last.
fn role(feed: &Feed, user: usize, users: usize) -> Role {
    Role { books: user < bookers(feed, users), watches: user >= users - part(feed.viewers, users) }
}

/// How many users book.
fn bookers(feed: &Feed, users: usize) -> usize {
    part(feed.bookers, users)
}

fn part(part: f64, users: usize) -> usize {
    let whole = (part * users as f64).round();
    // At most `users`, since a part is 1 at most; at least one where anybody is asked for.
    (whole as usize).clamp(usize::from(part > 0.0), users)
}

/// Returns once the run closes.
async fn closing(stages: &mut watch::Receiver<Stage>) {
    // The sender lives in the world, which every life holds.
    let _ = stages.wait_for(|stage| *stage == Stage::Closing).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookers_are_the_first_and_viewers_the_last_and_they_may_meet() {
        let count =
            |feed: &Feed, wanted: Role| (0..10).filter(|user| role(feed, *user, 10) == wanted).count();
        let (book, watch) = (Role { books: true, watches: false }, Role { books: false, watches: true });
        let both = Role { books: true, watches: true };
        let apart = Feed { viewers: 0.8, bookers: 0.2, ..Feed::default() };
        assert_eq!([count(&apart, book), count(&apart, watch), count(&apart, both)], [2, 8, 0]);
        let meeting = Feed { viewers: 1.0, bookers: 0.01, ..Feed::default() };
        assert_eq!([count(&meeting, book), count(&meeting, watch), count(&meeting, both)], [0, 9, 1]);
        let deserted = Feed { viewers: 0.0, bookers: 1.0, ..Feed::default() };
        assert_eq!([count(&deserted, book), count(&deserted, watch)], [10, 0]);
    }
}
