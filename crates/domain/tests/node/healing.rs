//! Deliveries that were lost: the room's order is restored, and no room waits for another.

use crate::support::{World, at, places, room, shown};

#[tokio::test(start_paused = true)]
async fn a_room_that_cannot_be_healed_keeps_no_other_from_being_healed() {
    let world = World::new().await;
    let (busy, other) = (room("busy"), room("other"));
    let mut member = world.member("member", &["busy", "other"]).await;
    world.store.go_away(true);
    let lost: Vec<_> = (1..=3).map(|_| world.broker.accept(&busy, "lost")).collect();
    world.broker.trim(&busy, 1);
    let last = world.broker.say(&busy, "seen");
    assert_eq!(member.rest().await, Vec::<String>::new());
    world.broker.accept(&other, "lost");
    world.broker.say(&other, "seen");
    assert_eq!(member.hear().await, "message other 1-1 lost");
    assert_eq!(member.hear().await, "message other 1-2 seen");
    // The database comes back with all of it, and so does the room.
    lost.into_iter().chain([last]).for_each(|entry| world.store.keep(entry));
    world.store.go_away(false);
    let heard = member.hear_through(at(1, 4)).await;
    assert_eq!(heard.len(), 4, "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_never_comes_back_keeps_no_other_room_from_being_healed() {
    let world = World::new().await;
    let mut member = world.member("member", &["busy", "other"]).await;
    let mut never = world.broker.looks.hold();
    world.broker.accept(&room("busy"), "lost");
    world.broker.say(&room("busy"), "seen");
    never.begun().await;
    world.broker.accept(&room("other"), "lost");
    world.broker.say(&room("other"), "seen");
    assert_eq!(member.hear().await, "message other 1-1 lost");
    assert_eq!(member.hear().await, "message other 1-2 seen");
}

#[tokio::test(start_paused = true)]
async fn a_doubt_that_comes_while_a_heal_is_under_way_leads_to_another_look() {
    let (world, r) = (World::new().await, room("r"));
    let mut member = world.member("member", &["r"]).await;
    let mut look = world.broker.looks.hold();
    world.broker.accept(&r, "lost");
    world.broker.say(&r, "seen");
    look.begun().await;
    // The answer is on its way already; it does not know of this one, and nothing is delivered after it.
    world.broker.accept(&r, "lost later");
    world.broker.doubt();
    look.release();
    for expected in ["message r 1-1 lost", "message r 1-2 seen", "message r 1-3 lost later"] {
        assert_eq!(member.hear().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hole_larger_than_a_queue_ends_no_client_that_reads() {
    let (world, r) = (World::new().await, room("r"));
    let mut member = world.member("member", &["r"]).await;
    let last = 2 * world.node.limits().outbound_frames as u64;
    (1..last).for_each(|_| drop(world.broker.accept(&r, "lost")));
    world.broker.say(&r, "seen");
    let frames = member.hear_through(at(1, last)).await;
    assert_eq!(shown(&frames), places(1, 1, last));
}

#[tokio::test(start_paused = true)]
async fn what_is_committed_while_the_database_is_looked_at_is_not_taken_for_lost() {
    let (world, r) = (World::new().await, room("r"));
    let mut member = world.member("member", &["r"]).await;
    let lost: Vec<_> = (1..=3).map(|_| world.broker.accept(&r, "lost")).collect();
    world.broker.trim(&r, 1);
    // The database has nothing yet; everything is committed while that answer is on its way.
    let mut look = world.store.looks.hold();
    let last = world.broker.say(&r, "seen");
    look.begun().await;
    lost.into_iter().chain([last]).for_each(|entry| world.store.keep(entry));
    look.release();
    let heard = member.hear_through(at(1, 4)).await;
    assert_eq!(heard.len(), 4, "{heard:?}");
}
