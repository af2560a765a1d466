//! Several connections join a room that is new on the node while it goes on: the head that one of them read must
//! not hide from another what lies between their looks.

use domain::Entry;

use crate::support::{Client, World, places, room, shown};

/// When the two messages that fall between the looks are delivered.
#[derive(Debug, Clone, Copy)]
enum Delivered {
    WhileTheLookIsHeld,
    BetweenTheAnswers,
    AfterTheAnswers,
}

/// When the second client asks to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Second {
    TogetherWithTheFirst,
    BehindTheTwoMessages,
}

/// The look that two joins take, and one more: then none is held.
const HELD_LOOKS: usize = 2;

async fn joined(client: &mut Client) -> Vec<String> {
    vec![client.hear().await]
}

fn deliver_if(world: &World, now: bool, between: &[Entry]) {
    between.iter().filter(|_| now).for_each(|entry| world.broker.deliver(entry.clone()));
}

/// Holds the `held`th look at the head; the answer in hand is older than 6 and 7.
async fn race(held: usize, delivered: Delivered, joins: Second) {
    let (world, r) = (World::new().await, room("r"));
    (1..=5).for_each(|_| drop(world.broker.accept(&r, "old")));
    (0..held).for_each(|_| world.broker.heads.pass());
    let mut look = world.broker.heads.hold();
    let (mut first, mut second) = (world.client("first"), world.client("second"));
    first.send("join r since 0 epoch 1");
    if joins == Second::TogetherWithTheFirst {
        second.send("join r since 0 epoch 1");
    }
    if held == 0 {
        look.begun().await;
    }
    let between = [world.broker.accept(&r, "between"), world.broker.accept(&r, "between")];
    deliver_if(&world, matches!(delivered, Delivered::WhileTheLookIsHeld), &between);
    if joins == Second::BehindTheTwoMessages {
        second.send("join r since 0 epoch 1");
    }
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
    for (client, heard) in [&mut first, &mut second].into_iter().zip(&mut heard) {
        // Without a later message, which would show that something is missing.
        heard.extend(client.rest().await);
        assert_eq!(shown(heard), places(1, 1, 7), "look {held} held, {delivered:?}, {joins:?}: {heard:?}");
    }
    world.broker.say(&r, "new");
    for client in [&mut first, &mut second] {
        assert_eq!(client.rest().await, ["message r 1-8 new"], "look {held} held, {delivered:?}, {joins:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_between_two_first_looks_are_shown_to_both_clients_once_and_in_order() {
    let whens = [Delivered::WhileTheLookIsHeld, Delivered::BetweenTheAnswers, Delivered::AfterTheAnswers];
    for held in 0..HELD_LOOKS {
        for delivered in whens {
            race(held, delivered, Second::TogetherWithTheFirst).await;
            race(held, delivered, Second::BehindTheTwoMessages).await;
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
    world.broker.accept(&r, "lost");
    world.broker.doubt();
    look.release();
    // The room is being healed, so the join looks for itself: what was lost lies before it.
    assert!(client.hear().await.starts_with("joined r 1-6"));
    world.broker.say(&r, "new");
    assert_eq!(client.hear().await, "message r 1-7 new");
}

#[tokio::test(start_paused = true)]
async fn what_is_published_before_the_subscription_takes_effect_is_shown() {
    let (world, r) = (World::new().await, room("r"));
    world.broker.accept(&r, "old");
    let mut subscription = world.broker.subscriptions.hold();
    let mut client = world.client("client");
    client.send("join r since 0 epoch 1");
    subscription.begun().await;
    world.broker.say(&r, "not heard by anybody");
    subscription.release();
    assert_eq!(shown(&client.rest().await), places(1, 1, 2));
}
