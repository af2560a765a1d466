//! Several connections join a room that is new on the node while it goes on: the head that one of them read must
//! not hide from another what lies between their looks.

use domain::Entry;

use crate::support::{Client, World, at, places, room, shown};

/// When the two messages that fall between the looks are delivered.
#[derive(Debug, Clone, Copy)]
enum Delivered {
    WhileTheLookIsHeld,
    BetweenTheAnswers,
    AfterTheAnswers,
}

const HELD_LOOKS: usize = 4;

async fn joined(client: &mut Client) -> Vec<String> {
    vec![client.hear().await]
}

fn deliver_if(world: &World, now: bool, between: &[Entry]) {
    between.iter().filter(|_| now).for_each(|entry| world.broker.deliver(entry.clone()));
}

/// Holds the `held`th look at the head; the answer in hand is older than 6 and 7.
async fn race(held: usize, delivered: Delivered) {
    let (world, r) = (World::new().await, room("r"));
    (1..=5).for_each(|_| drop(world.broker.accept(&r, "old")));
    (0..held).for_each(|_| world.broker.heads.pass());
    let mut look = world.broker.heads.hold();
    let (mut first, mut second) = (world.client("first"), world.client("second"));
    first.send("join r since 0 epoch 1");
    second.send("join r since 0 epoch 1");
    if held < HELD_LOOKS - 1 {
        look.begun().await;
    }
    let between = [world.broker.accept(&r, "between"), world.broker.accept(&r, "between")];
    deliver_if(&world, matches!(delivered, Delivered::WhileTheLookIsHeld), &between);
    // Whoever is not held is answered now; the rest when the look comes back.
    let (early_first, early_second) = (first.rest().await, second.rest().await);
    deliver_if(&world, matches!(delivered, Delivered::BetweenTheAnswers), &between);
    look.release();
    let mut heard = [early_first, early_second];
    for (client, heard) in [&mut first, &mut second].into_iter().zip(&mut heard) {
        if heard.is_empty() {
            heard.extend(joined(client).await);
        }
    }
    deliver_if(&world, matches!(delivered, Delivered::AfterTheAnswers), &between);
    world.broker.say(&r, "new");
    for (client, mut heard) in [&mut first, &mut second].into_iter().zip(heard) {
        heard.extend(client.hear_through(at(1, 8)).await);
        heard.extend(client.rest().await);
        assert_eq!(shown(&heard), places(1, 1, 8), "look {held} held, delivered {delivered:?}: {heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_between_two_first_looks_are_shown_to_both_clients_once_and_in_order() {
    let whens = [Delivered::WhileTheLookIsHeld, Delivered::BetweenTheAnswers, Delivered::AfterTheAnswers];
    for held in 0..HELD_LOOKS {
        for delivered in whens {
            race(held, delivered).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_and_doubted_before_the_first_look_came_back_is_shown() {
    let (world, r) = (World::new().await, room("r"));
    (1..=5).for_each(|_| drop(world.broker.accept(&r, "old")));
    let mut look = world.broker.heads.hold();
    let mut client = world.client("first");
    client.send("join r history 0");
    look.begun().await;
    // The second look, of the join itself, comes back with the same answer.
    let mut second = world.broker.heads.hold();
    look.release();
    second.begun().await;
    world.broker.accept(&r, "lost");
    world.broker.doubt();
    second.release();
    assert!(client.hear().await.starts_with("joined r 1-5"));
    assert_eq!(client.hear().await, "message r 1-6 lost");
}
