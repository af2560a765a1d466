//! The outbox: what was committed is told to every node, whoever dies, whatever is brought twice, whatever is away.

use std::time::Duration;

use domain::Timestamp;
use domain::ports::PortError;
use tokio::time::sleep;

use crate::support::World;

/// Longer than an outbox waits to be looked into unasked.
const SOON: Duration = Duration::from_millis(600);

fn changes(last: u64) -> Vec<String> {
    (1..=last).map(|version| format!("seats 7 {version} {}", last - version)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_node_died_right_after_the_commit_is_told_by_another() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut ann = there.member("ann", &["event:7"]).await;
    here.kill();
    here.bookings.book(7, 9);
    sleep(SOON).await;
    assert_eq!(ann.rest().await, ["seats 7 1 9"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_brought_again_after_a_crash_is_not_shown_again() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut clients = [here.member("ann", &["event:7"]).await, there.member("eve", &["event:7"]).await];
    // The third one is carried and not marked.
    (0..2).for_each(|_| here.bookings.marks.pass());
    here.bookings.marks.fail(PortError::Deadline);
    here.bookings.book_all(7, 5);
    here.node.seats_changed();
    sleep(2 * SOON).await;
    for client in &mut clients {
        assert_eq!(client.rest().await, changes(5));
    }
}

#[tokio::test(start_paused = true)]
async fn while_nodes_cannot_be_told_changes_wait_in_the_outbox() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["event:7"]).await;
    (0..3).for_each(|_| world.broker.passings.fail(PortError::Deadline));
    world.bookings.book_all(7, 2);
    world.node.seats_changed();
    assert_eq!(ann.rest().await, Vec::<String>::new());
    sleep(Duration::from_secs(8)).await;
    assert_eq!(ann.rest().await, changes(2));
}

#[tokio::test(start_paused = true)]
async fn changes_that_were_brought_a_day_ago_are_forgotten_about_every_hour() {
    let world = World::new().await;
    sleep(Duration::from_secs(4 * 3600 + 60)).await;
    let pruned = world.bookings.pruned.lock().unwrap().clone();
    assert!((4..=5).contains(&pruned.len()), "{}", pruned.len());
    let a_day_ago = Timestamp::now().0 - 24 * 3600 * 1000;
    assert!(pruned.iter().all(|before| (before.0 - a_day_ago).abs() < 60_000), "{pruned:?}");
}
