//! Connections that end while a leave is under way: no seat and no hub member stays behind.

use domain::CloseReason;
use domain::ports::Lease;

use crate::support::{World, calm, room, seat};

/// A room that no member holds any more is unsubscribed after its linger.
async fn is_forgotten(world: &World, name: &str) {
    world.presence.renewed(10).await;
    assert!(!world.broker.is_subscribed(&room(name)), "a hub member was left behind");
}

#[tokio::test(start_paused = true)]
async fn a_leave_that_is_dropped_while_it_waits_for_its_turn_leaves_no_seat_behind() {
    let world = World::new().await;
    let mut leaver = world.member("leaver", &["r"]).await;
    // The keeper takes the seat again, and holds the user's turn in this room meanwhile.
    world.presence.leases.lock().unwrap().push_back(Lease::Lapsed);
    let mut taking = world.presence.entering.hold();
    taking.begun().await;
    leaver.send("leave r");
    calm().await;
    leaver.vanish();
    calm().await;
    taking.release();
    assert_eq!(leaver.end().await, CloseReason::Normal);
    world.presence.becomes([]).await;
    is_forgotten(&world, "r").await;
    assert!(world.presence.seats().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_leave_that_is_dropped_on_its_way_to_the_broker_is_done_again() {
    let world = World::new().await;
    let mut leaver = world.member("leaver", &["r"]).await;
    let mut leaving = world.presence.leaving.hold();
    leaver.send("leave r");
    leaving.begun().await;
    leaver.vanish();
    assert_eq!(leaver.end().await, CloseReason::Normal);
    assert!(world.presence.seats().is_empty());
    is_forgotten(&world, "r").await;
}

/// Which of command and end is taken up first is chance; a hundred connections meet every order.
#[tokio::test(start_paused = true)]
async fn a_leave_that_is_dropped_before_it_began_leaves_nothing_behind() {
    let world = World::new().await;
    let mut leavers = Vec::new();
    for index in 0..100 {
        leavers.push(world.member(&format!("leaver{index}"), &["r"]).await);
    }
    for leaver in &mut leavers {
        leaver.send("leave r");
        leaver.vanish();
    }
    for leaver in leavers {
        assert_eq!(leaver.end().await, CloseReason::Normal);
    }
    assert!(world.presence.seats().is_empty(), "{:?}", world.presence.seats());
    assert_eq!(world.presence.slots(), 0);
    is_forgotten(&world, "r").await;
}

#[tokio::test(start_paused = true)]
async fn a_join_that_is_dropped_on_its_way_leaves_nothing_behind_and_the_others_stay() {
    let world = World::new().await;
    let mut other = world.member("other", &["r"]).await;
    let mut entering = world.presence.entering.hold();
    let mut joiner = world.client("joiner");
    joiner.send("join r");
    entering.begun().await;
    joiner.vanish();
    assert_eq!(joiner.end().await, CloseReason::Normal);
    world.presence.becomes([seat(&room("r"), "other")]).await;
    world.broker.say(&room("r"), "still here");
    assert_eq!(other.hear().await, "message r 1-1 still here");
}
