//! A broker that came back without its memory: clients are told of the new epoch, and then shown all of it.

use crate::support::{Client, World, at, room};

async fn member_at_three(world: &World) -> Client {
    (1..=3).for_each(|_| world.store.keep(world.broker.accept(&room("r"), "old")));
    world.member("member", &["r"]).await
}

/// The broker comes back empty and accepts three messages before anybody doubts it.
fn begin_new_epoch(world: &World) {
    world.broker.come_back_empty(at(9, 100));
    (101..=103).for_each(|_| drop(world.broker.accept(&room("r"), "new")));
}

async fn hears_the_new_epoch(mut client: Client) {
    for expected in ["resync r 9-100", "message r 9-101 new", "message r 9-102 new", "message r 9-103 new"] {
        assert_eq!(client.hear().await, expected);
    }
    assert_eq!(client.rest().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_first_messages_of_a_new_epoch_are_shown_when_the_database_has_nothing_more() {
    let world = World::new().await;
    let member = member_at_three(&world).await;
    begin_new_epoch(&world);
    world.broker.doubt();
    hears_the_new_epoch(member).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_messages_of_a_new_epoch_are_shown_while_the_database_is_away() {
    let world = World::new().await;
    let member = member_at_three(&world).await;
    world.store.go_away(true);
    begin_new_epoch(&world);
    world.broker.doubt();
    hears_the_new_epoch(member).await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_of_the_new_epoch_brings_what_came_before_it() {
    let world = World::new().await;
    let mut member = member_at_three(&world).await;
    begin_new_epoch(&world);
    world.broker.say(&room("r"), "delivered");
    for expected in ["resync r 9-100", "message r 9-101 new", "message r 9-102 new", "message r 9-103 new"] {
        assert_eq!(member.hear().await, expected);
    }
    assert_eq!(member.hear().await, "message r 9-104 delivered");
}

#[tokio::test(start_paused = true)]
async fn what_the_database_has_of_the_old_epoch_is_shown_before_the_new_one() {
    let world = World::new().await;
    let mut member = member_at_three(&world).await;
    world.store.keep(world.broker.accept(&room("r"), "undelivered"));
    begin_new_epoch(&world);
    world.broker.doubt();
    assert_eq!(member.hear().await, "message r 1-4 undelivered");
    hears_the_new_epoch(member).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_epoch_without_messages_is_announced_by_itself() {
    let world = World::new().await;
    let mut member = member_at_three(&world).await;
    world.broker.come_back_empty(at(9, 100));
    world.broker.doubt();
    assert_eq!(member.hear().await, "resync r 9-100");
    world.broker.say(&room("r"), "new");
    assert_eq!(member.hear().await, "message r 9-101 new");
}

#[tokio::test(start_paused = true)]
async fn a_new_epoch_of_a_broker_that_kept_its_log_is_announced_behind_what_it_kept() {
    let (world, r) = (World::new().await, room("r"));
    let mut member = member_at_three(&world).await;
    world.broker.accept(&r, "undelivered");
    world.broker.begin_epoch(at(9, 100));
    world.broker.say(&r, "new");
    for expected in ["message r 1-4 undelivered", "resync r 9-100", "message r 9-101 new"] {
        assert_eq!(member.hear().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_joins_again_while_a_new_epoch_begins_is_told_of_it_before_its_messages() {
    let (world, r) = (World::new().await, room("r"));
    let mut member = member_at_three(&world).await;
    let mut entering = world.presence.entering.hold();
    member.send("join r history 0");
    entering.begun().await;
    world.broker.begin_epoch(at(9, 100));
    world.broker.say(&r, "new");
    entering.release();
    let heard = member.rest().await;
    let told = heard.iter().position(|frame| frame == "resync r 9-100" || frame.starts_with("joined r 9-"));
    let shown = heard.iter().position(|frame| frame == "message r 9-101 new");
    assert!(told.is_some() && told < shown, "{heard:?}");
}
