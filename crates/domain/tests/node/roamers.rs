//! Clients that go from room to room: a join that leaves the others.

use domain::Limits;

use crate::support::{World, room, seat};

#[tokio::test(start_paused = true)]
async fn a_join_alone_leaves_the_other_rooms_of_its_namespace_and_only_those() {
    let world = World::new().await;
    world.directory.has_chat(&room("chat:c"), &["ann"]);
    let mut ann = world.member("ann", &["a", "b", "chat:c"]).await;
    assert!(ann.ask("join d alone history 0").await.starts_with("joined d"));
    world.presence.becomes([seat(&room("chat:c"), "ann"), seat(&room("d"), "ann")]).await;
    for name in ["a", "b", "chat:c", "d"] {
        world.broker.say(&room(name), "hello");
    }
    assert_eq!(ann.rest().await, ["message chat:c 1-1 hello", "message d 1-1 hello"]);
    assert!(ann.ask("join chat:c alone history 0").await.starts_with("joined chat:c"));
    world.broker.say(&room("d"), "still here");
    assert_eq!(ann.hear().await, "message d 1-2 still here");
}

#[tokio::test(start_paused = true)]
async fn rooms_that_a_join_alone_leaves_do_not_count_against_the_limit() {
    let world = World::with(Limits { rooms: 2, ..Limits::default() }).await;
    let mut ann = world.member("ann", &["a", "b"]).await;
    for name in ["c", "d", "e"] {
        assert!(ann.ask(&format!("join {name} alone history 0")).await.starts_with("joined"), "{name}");
    }
    assert!(ann.ask("join f history 0").await.starts_with("joined"));
    assert_eq!(ann.ask("join g history 0").await, "refused too_many_rooms");
    world.presence.becomes([seat(&room("e"), "ann"), seat(&room("f"), "ann")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_in_the_middle_of_a_join_alone_leaves_nothing_behind() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["a", "b"]).await;
    let mut leaving = world.presence.leaving.hold();
    ann.send("join c alone history 0");
    leaving.begun().await;
    ann.vanish();
    ann.end().await;
    world.presence.becomes([]).await;
}
