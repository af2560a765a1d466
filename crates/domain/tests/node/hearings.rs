//! A removal is answered once every node has put the user out, and waits for none of them for ever.

use std::time::Duration;

use domain::RoomId;
use domain::ports::PortError;
use tokio::time::{Instant, sleep};

use crate::support::{World, calm, room, user};

fn chat() -> RoomId {
    room("chat:c")
}

async fn world_with_a_chat() -> World {
    let world = World::new().await;
    world.directory.has_chat(&chat(), &["ann", "bob"]);
    world
}

#[tokio::test(start_paused = true)]
async fn a_removal_is_answered_as_soon_as_every_live_node_has_heard_it() {
    let here = world_with_a_chat().await;
    let there = here.beside().await;
    let dead = here.beside().await;
    dead.kill();
    let mut ann = there.guest("ann").await;
    let asked = Instant::now();
    here.directory.remove(&chat(), "ann");
    here.node.expel(&chat(), &user("ann")).await.unwrap();
    assert!(asked.elapsed() < Duration::from_millis(20), "{:?}", asked.elapsed());
    assert_eq!(ann.ask("say chat:c hello").await, "expelled chat:c");
    assert_eq!(ann.rest().await, ["refused not_a_participant"]);
}

#[tokio::test(start_paused = true)]
async fn a_removal_waits_for_a_node_that_hears_late_and_not_for_ever() {
    let here = world_with_a_chat().await;
    let there = here.beside().await;
    for hears in [true, false] {
        there.broker.fall_behind();
        let (node, asked) = (here.node.clone(), Instant::now());
        let removal = tokio::spawn(async move { node.expel(&chat(), &user("ann")).await });
        sleep(Duration::from_millis(600)).await;
        assert!(!removal.is_finished(), "nobody knows whether the other node has heard it");
        if hears {
            there.broker.catch_up();
        }
        removal.await.unwrap().unwrap();
        let expected = if hears { 601 } else { 1001 };
        assert!(asked.elapsed() <= Duration::from_millis(expected + 10), "{:?}", asked.elapsed());
        there.broker.catch_up();
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_says_that_it_heard_a_removal_has_acted_on_it_whatever_it_heard_in_the_room() {
    let here = world_with_a_chat().await;
    let there = here.beside().await;
    let mut ann = there.guest("ann").await;
    here.directory.remove(&chat(), "ann");
    there.broker.fall_behind();
    let (node, asked) = (here.node.clone(), Instant::now());
    let removal = tokio::spawn(async move { node.expel(&chat(), &user("ann")).await });
    calm().await;
    there.broker.lose_late_whispers(&chat());
    there.broker.catch_up();
    removal.await.unwrap().unwrap();
    assert!(asked.elapsed() < Duration::from_millis(20), "{:?}", asked.elapsed());
    here.broker.say(&chat(), "secret");
    assert_eq!(ann.rest().await, ["expelled chat:c"]);
}

#[tokio::test(start_paused = true)]
async fn a_removal_whose_nodes_cannot_be_counted_gives_them_time() {
    let world = world_with_a_chat().await;
    let asked = Instant::now();
    world.presence.counting.fail(PortError::Deadline);
    world.node.expel(&chat(), &user("ann")).await.unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(150), "{:?}", asked.elapsed());
}
