//! After the last booking: wait until every answer is clear and every viewer has seen what it is owed, then judge.
//!
//! Owns the waiting and the final counts. The wait has a deadline; what is missing then is what the audit finds.

use std::{sync::Arc, time::Duration};

use tokio::time::{interval, sleep, timeout};

use crate::{
    feed::{
        desk::Asker,
        shows::{Show, lock},
    },
    run::{control::Stage, settle::Sent, world::World},
    wire::token,
};

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A repeat that comes late should still be seen.
const LINGER: Duration = Duration::from_millis(300);

/// Waits, and sets the verdict's counters: what `settle::settle` is to a run of chats.
pub(crate) async fn settle(world: &Arc<World>, sent: Sent) {
    let Sent { since, until, intended } = sent;
    world.control.enter(Stage::Settling { since, until });
    let all_there = async {
        let mut looks = interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            if unanswered(world, intended) == 0 && world.shows.is_quiet() && missing(world) == 0 {
                return;
            }
        }
    };
    let _ = timeout(world.scenario.settle, all_there).await;
    sleep(LINGER).await;
    world.tally.unacknowledged.set(unanswered(world, intended));
    world.tally.lost.set(missing(world));
    audit(world).await;
}

/// Judges every event. A run of chats whose users book as well calls this beside its own audit.
pub(crate) async fn audit(world: &World) {
    for show in world.shows.all() {
        judge(world, show).await;
    }
}

fn unanswered(world: &World, intended: u64) -> u64 {
    intended.saturating_sub(world.tally.acknowledged.get() + world.tally.shed.get())
}

/// Changes that viewers are owed and have not seen.
fn missing(world: &World) -> u64 {
    world.shows.all().iter().map(lacking).sum()
}

fn lacking(show: &Show) -> u64 {
    let (made, left) = {
        let board = show.board();
        (board.count(), board.left())
    };
    show.eyes().iter().map(|eye| lock(eye).lacks(made, left)).sum()
}

/// Compares all that is known of an event with itself and with what the server says in the end.
async fn judge(world: &World, show: &Show) {
    let (left, unconfirmed, sold_twice) = {
        let board = show.board();
        (board.left(), board.unconfirmed(), board.sold_twice())
    };
    let event = show.id;
    let breach = |count: u64, what: &str| {
        if count > 0 {
            world.tally.disordered.add(count);
            world.tally.finding(|| format!("event {event}: {count} {what}"));
        }
    };
    let lacks = lacking(show);
    if lacks > 0 {
        world.tally.finding(|| format!("event {event}: {lacks} committed changes did not reach a viewer"));
    }
    breach(sold_twice.unwrap_or_default(), "seats were sold or given back twice");
    if world.shows.is_quiet() {
        breach(unconfirmed, "changes were told to viewers and never made");
    }
    let said = match token::mint_service(&world.secret) {
        Ok(token) => world.shows.desk.left(Asker { token: &token, turn: 0 }, event).await,
        Err(_) => Err("token".into()),
    };
    match said {
        Ok(said) if said == left => {}
        Ok(said) => breach(said.abs_diff(left), "seats differ between all answers and the event"),
        Err(code) => world.tally.error(&code),
    }
}
