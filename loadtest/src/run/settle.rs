//! After the last message: wait until everyone has everything and the database too, then let the audit speak.
//!
//! Owns the waiting. Every wait has a deadline; what is missing at the deadline is what the audit finds.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, interval, sleep};

use crate::{
    feed,
    judge::audit,
    judge::database::{Database, DatabaseError},
    judge::room::lock,
    run::control::Stage,
    run::course::SwarmError,
    run::world::World,
};

const LOOK_EVERY: Duration = Duration::from_millis(50);
const ASK_DATABASE_EVERY: Duration = Duration::from_millis(250);
/// A repeat that comes late should still be heard.
const LINGER: Duration = Duration::from_millis(300);

/// The sending phase that has just ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) since: Instant,
    pub(crate) until: Instant,
    /// Messages that the schedule called for.
    pub(crate) intended: u64,
}

/// Waits, sweeps, compares; the verdict's counters are set afterwards.
pub(crate) async fn settle(
    world: &Arc<World>,
    sent: Sent,
    database: Option<&Database>,
) -> Result<(), SwarmError> {
    let Sent { since, until, intended } = sent;
    world.control.enter(Stage::Settling { since, until });
    wait_until(world.scenario.settle, || outstanding(world, intended) == 0 && everyone_has_everything(world))
        .await;
    if let Some(database) = database {
        wait_for_rows(world, database).await?;
    }
    sweep(world, sent).await;
    sleep(LINGER).await;
    world.tally.unacknowledged.set(outstanding(world, intended));
    audit::count_lost(&world.rooms, &world.tally);
    if world.books() {
        feed::audit(world).await;
    }
    if let Some(database) = database {
        let rows = database.rows(&world.key_prefix()).await?;
        audit::compare_database(&world.rooms, &rows, &world.run, &world.tally);
    }
    Ok(())
}

fn outstanding(world: &World, intended: u64) -> u64 {
    intended.saturating_sub(world.tally.acknowledged.get() + world.tally.shed.get())
}

fn everyone_has_everything(world: &World) -> bool {
    world.rooms.iter().all(crate::judge::room::Room::settled)
}

/// Waits for a condition; gives up silently at the deadline.
async fn wait_until(deadline: Duration, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    let mut looks = interval(LOOK_EVERY);
    while !done() && Instant::now() < end {
        looks.tick().await;
    }
}

/// Waits until the database has at least as many rows as the clients saw messages. An unreachable database is asked
/// again until the deadline: it may be what the fault of this run was about.
async fn wait_for_rows(world: &World, database: &Database) -> Result<(), DatabaseError> {
    let end = Instant::now() + world.scenario.persistence;
    let expected: u64 = world.rooms.iter().map(|room| room.ledger().entries().len() as u64).sum();
    let mut asks = interval(ASK_DATABASE_EVERY);
    loop {
        asks.tick().await;
        let late = Instant::now() >= end;
        match database.count(&world.key_prefix()).await {
            Ok(count) if count >= expected || late => return Ok(()),
            Err(error) if late => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

/// What an epoch change may have hidden from everybody is read once more, now that the history is whole.
async fn sweep(world: &World, sent: Sent) {
    let mut opened = 0;
    for room in &world.rooms {
        let ledger = room.ledger();
        opened += room.seats.iter().filter(|(_, seat)| lock(seat).sweep(&ledger)).count();
    }
    if opened == 0 {
        return;
    }
    world.control.enter(Stage::Sweeping { since: sent.since, until: sent.until });
    wait_until(world.scenario.settle, || everyone_has_everything(world)).await;
}
