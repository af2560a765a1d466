//! Who is online, and who is in a room: told once, and to those alone who want to know.

use std::time::Duration;

use domain::Limits;
use tokio::time::sleep;

use crate::support::{Client, World, room};

const GRACE: Duration = Duration::from_secs(3);

fn friends(world: &World) {
    ["chat:c", "chat:d"].iter().for_each(|chat| world.directory.has_chat(&room(chat), &["ann", "bob"]));
}

/// What was told of who is there, and nothing else.
async fn statuses(client: &mut Client) -> Vec<String> {
    let told = client.rest().await.into_iter();
    told.filter(|frame| frame.starts_with("online") || frame.starts_with("offline")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_and_the_last_connection_on_any_node_are_told_once_to_each_peer() {
    let here = World::new().await;
    let there = here.beside().await;
    friends(&here);
    let (mut bob, mut eve) = (there.guest("bob").await, there.guest("eve").await);
    let mut anns = [here.guest("ann").await, there.guest("ann").await, there.client("ann")];
    assert_eq!(statuses(&mut bob).await, ["online ann"], "though they share two chats");
    anns.iter_mut().for_each(Client::vanish);
    sleep(GRACE - Duration::from_millis(100)).await;
    assert_eq!(statuses(&mut bob).await, Vec::<String>::new());
    sleep(Duration::from_secs(3)).await;
    assert_eq!(statuses(&mut bob).await, ["offline ann"]);
    assert_eq!(*here.directory.seen.lock().unwrap(), [crate::support::user("ann")]);
    assert_eq!(statuses(&mut eve).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_within_the_grace_was_never_away() {
    let world = World::new().await;
    friends(&world);
    let (mut bob, mut ann) = (world.guest("bob").await, world.guest("ann").await);
    assert_eq!(statuses(&mut bob).await, ["online ann"]);
    ann.vanish();
    sleep(GRACE / 2).await;
    let _back = world.guest("ann").await;
    sleep(2 * GRACE).await;
    assert_eq!(statuses(&mut bob).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_last_word_on_who_is_there_is_right_however_slow_the_node_that_tells_the_former_one() {
    let here = World::new().await;
    let there = here.beside().await;
    friends(&here);
    let (mut bob, mut ann) = (there.guest("bob").await, here.guest("ann").await);
    assert_eq!(statuses(&mut bob).await, ["online ann"]);
    // Whichever node finds that ann is gone is slow to learn whom to tell.
    let mut slow = here.directory.peers.hold();
    ann.vanish();
    slow.begun().await;
    let _back = there.guest("ann").await;
    sleep(Duration::from_secs(1)).await;
    slow.release();
    sleep(Duration::from_secs(1)).await;
    let told = statuses(&mut bob).await;
    assert!(told.is_empty() || told.last().unwrap() == "online ann", "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn news_that_cannot_be_told_now_are_told_later_and_only_the_newest() {
    let world = World::new().await;
    friends(&world);
    let mut bob = world.guest("bob").await;
    sleep(Duration::from_secs(1)).await;
    world.directory.peers.fail(domain::ports::PortError::Deadline);
    let mut ann = world.client("ann");
    sleep(Duration::from_millis(500)).await;
    ann.vanish();
    sleep(3 * GRACE).await;
    let told = statuses(&mut bob).await;
    assert_eq!(told, ["online ann", "offline ann"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_in_a_room_is_told_to_those_who_watch_at_most_once_per_pause() {
    let world = World::new().await;
    let (mut ann, mut plain) = (world.guest("ann").await, world.member("plain", &["r"]).await);
    assert!(ann.ask("join r").await.starts_with("joined"));
    assert_eq!(ann.hear().await, "members r 2 ann,plain");
    let mut others = Vec::new();
    for index in 0..20 {
        others.push(world.member(&format!("user{index:02}"), &["r"]).await);
        sleep(Duration::from_millis(10)).await;
    }
    others.iter_mut().for_each(Client::vanish);
    sleep(Duration::from_secs(1)).await;
    let told = ann.heard();
    assert!((1..=2).contains(&told.len()), "{told:?}");
    assert_eq!(told.last().unwrap(), "members r 2 ann,plain");
    plain.vanish();
    assert_eq!(ann.hear().await, "members r 1 ann");
    assert_eq!(plain.heard(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_join_takes_long_is_told_who_is_there_all_the_same() {
    let world = World::new().await;
    let mut ann = world.guest("ann").await;
    // The first look anchors the room, the second one is that of a join that claims to have seen more.
    world.broker.heads.pass();
    let mut head = world.broker.heads.hold();
    ann.send("join r since 999 epoch 1");
    head.begun().await;
    sleep(Duration::from_secs(1)).await;
    head.release();
    sleep(Duration::from_secs(1)).await;
    let heard = ann.heard();
    assert!(heard.contains(&"members r 1 ann".to_owned()), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn of_a_large_room_only_the_number_is_shown() {
    let world = World::with(Limits { members_shown: 2, ..Limits::default() }).await;
    let mut ann = world.guest("ann").await;
    assert!(ann.ask("join r").await.starts_with("joined"));
    assert_eq!(ann.hear().await, "members r 1 ann");
    let _others = [world.member("bob", &["r"]).await, world.member("eve", &["r"]).await];
    assert_eq!(ann.hear().await, "members r 3 ");
}

#[tokio::test(start_paused = true)]
async fn a_coming_that_went_unheard_is_shown_when_deliveries_are_in_doubt() {
    let world = World::new().await;
    let mut ann = world.guest("ann").await;
    assert!(ann.ask("join r").await.starts_with("joined"));
    assert_eq!(ann.hear().await, "members r 1 ann");
    world.broker.fall_behind();
    let _bob = world.member("bob", &["r"]).await;
    world.broker.lose_what_is_late();
    world.broker.doubt();
    assert_eq!(ann.hear().await, "members r 2 ann,bob");
}
