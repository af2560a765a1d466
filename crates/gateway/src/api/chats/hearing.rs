//! Telling the nodes who came into a chat and who left it, behind the transaction.
//!
//! Invariant: no answer says that somebody is out while a node may still show them what is said.

use std::time::Duration;

use domain::node::Node;
use domain::words::{Chat, Code, Fault, RoomId, UserId};
use futures::future::{BoxFuture, FutureExt, ready};
use futures::stream::{self, StreamExt};
use tokio::time::{Instant, sleep, timeout_at};

use crate::problem::Problem;

/// How long the nodes are told again and again.
const PATIENCE: Duration = Duration::from_secs(5);
/// First and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// How many are told of at the same time.
const AT_ONCE: usize = 16;

/// Brings the connections of somebody who was added into the room.
pub(super) async fn summon(node: &Node, room: &RoomId, user: &UserId) -> Result<(), Problem> {
    insist(|| node.summon(room, user)).await.map_err(|_| {
        unheard("the user takes part now, but open connections have not heard of it: send the request again")
    })
}

/// Puts the connections of somebody who was removed out of the room.
pub(super) async fn expel(node: &Node, room: &RoomId, user: &UserId) -> Result<(), Problem> {
    insist(|| node.expel(room, user)).await.map_err(|_| {
        unheard("the user is removed, but open connections have not heard of it: send the request again")
    })
}

/// Brings everybody into a new chat. The chat is there whether or not this succeeds, and nobody could make it a second
/// time without having two: whoever is not reached finds it at the next connect.
pub(super) async fn summon_all(node: &Node, chat: &Chat) {
    // Boxed: the compiler cannot name the lifetimes of borrowing futures in a stream.
    let mut told: Vec<BoxFuture<'_, bool>> = Vec::with_capacity(chat.participants.len());
    for participant in &chat.participants {
        told.push(node.summon(&chat.room, &participant.who.user).map(|outcome| outcome.is_err()).boxed());
    }
    let unheard = stream::iter(told).buffer_unordered(AT_ONCE).filter(|failed| ready(*failed)).count();
    match timeout_at(Instant::now() + PATIENCE, unheard).await {
        Ok(0) => {}
        Ok(unheard) => tracing::warn!(room.id = %chat.room, unheard, "a new chat is not heard of everywhere"),
        Err(_) => tracing::warn!(room.id = %chat.room, "a new chat is not heard of everywhere in time"),
    }
}

/// Repeats until it succeeds, for [`PATIENCE`].
async fn insist<F: Future<Output = Result<(), Fault>>>(attempt: impl Fn() -> F) -> Result<(), Unheard> {
    let (deadline, mut pause) = (Instant::now() + PATIENCE, PAUSE.0);
    loop {
        match timeout_at(deadline, attempt()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(fault)) => tracing::debug!(%fault, "the nodes have not heard of a change of participants"),
            Err(_) => return Err(Unheard),
        }
        if Instant::now() + pause >= deadline {
            return Err(Unheard);
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// Every attempt failed.
#[derive(Debug)]
struct Unheard;

fn unheard(detail: &'static str) -> Problem {
    Problem::of(Code::Overloaded, detail).after(Duration::from_secs(1))
}
