//! A lease that lapsed: every seat is taken again, whatever fails on the way, and only those that somebody sits on.

use domain::RoomId;
use domain::UserId;
use domain::ports::{Lease, PortError};

use crate::support::{World, room, seat};

fn seats() -> Vec<(RoomId, UserId)> {
    ["p", "q", "r"].map(|name| seat(&room(name), "sitter")).to_vec()
}

fn ghost() -> (RoomId, UserId) {
    seat(&room("r"), "ghost")
}

#[tokio::test(start_paused = true)]
async fn a_lapse_is_remembered_until_every_seat_is_taken_again() {
    let world = World::new().await;
    let _sitter = world.member("sitter", &["p", "q", "r"]).await;
    world.presence.replace_seats([ghost()]);
    // One seat is taken again, the second one fails; from then on every renewal says that the lease is held.
    world.presence.entering.pass();
    world.presence.entering.fail(PortError::Deadline);
    world.presence.leases.lock().unwrap().push_back(Lease::Lapsed);
    world.presence.becomes(seats()).await;
    world.presence.renewed(3).await;
    world.presence.becomes(seats()).await;
}

#[tokio::test(start_paused = true)]
async fn a_lapse_is_remembered_when_seats_could_not_be_compared() {
    let world = World::new().await;
    let _sitter = world.member("sitter", &["p", "q", "r"]).await;
    world.presence.replace_seats([]);
    world.presence.comparing.fail(PortError::Unavailable("the broker is away".into()));
    world.presence.leases.lock().unwrap().push_back(Lease::Lapsed);
    world.presence.becomes(seats()).await;
}

#[tokio::test(start_paused = true)]
async fn seats_that_nobody_sits_on_are_given_back_after_a_lapse() {
    let world = World::new().await;
    let _sitter = world.member("sitter", &["p", "q", "r"]).await;
    world.presence.replace_seats(seats().into_iter().chain([ghost(), seat(&room("empty"), "sitter")]));
    world.presence.leases.lock().unwrap().push_back(Lease::Lapsed);
    world.presence.becomes(seats()).await;
}

#[tokio::test(start_paused = true)]
async fn a_seat_that_could_not_be_given_back_is_given_back_later() {
    let world = World::new().await;
    let mut sitter = world.member("sitter", &["p", "q", "r"]).await;
    world.presence.leaving.fail(PortError::Deadline);
    assert_eq!(sitter.ask("leave q").await, "left q");
    world.presence.becomes([seat(&room("p"), "sitter"), seat(&room("r"), "sitter")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_is_given_back_while_it_is_taken_again_stays_free() {
    let world = World::new().await;
    let mut sitter = world.member("sitter", &["p"]).await;
    let mut taking = world.presence.admitting.hold();
    world.presence.leases.lock().unwrap().push_back(Lease::Lapsed);
    taking.begun().await;
    sitter.vanish();
    sitter.end().await;
    taking.release();
    world.presence.renewed(3).await;
    assert_eq!(world.presence.slots(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_could_not_be_counted_is_counted_later() {
    let world = World::new().await;
    world.presence.admitting.fail(PortError::Deadline);
    let mut sitter = world.client("sitter");
    world.presence.renewed(3).await;
    assert_eq!(world.presence.slots(), 1);
    sitter.vanish();
    sitter.end().await;
    world.presence.renewed(1).await;
    assert_eq!(world.presence.slots(), 0);
}
