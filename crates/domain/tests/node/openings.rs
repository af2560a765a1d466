//! A client whose door opens: it is welcomed when all that it is in from the start flows.

use std::time::Duration;

use domain::{CloseReason, Identity, Limits};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;

use crate::support::{AN_HOUR, World, at, calm, identity, places, room, seat, shown, user};

#[tokio::test(start_paused = true)]
async fn a_client_is_in_its_own_room_and_chats_when_it_is_welcomed() {
    let (world, chat) = (World::new().await, room("chat:c"));
    world.directory.has_chat(&chat, &["ann", "bob"]);
    world.broker.say(&chat, "old");
    let mut ann = world.guest("ann").await;
    world.presence.becomes([seat(&chat, "ann")]).await;
    world.broker.say(&chat, "new");
    let mut bob = world.client("bob");
    assert_eq!(bob.ask("ring ann now").await, "done");
    assert_eq!(ann.hear().await, "message chat:c 1-2 new");
    let heard = ann.rest().await;
    assert!(heard.contains(&"ring bob now".to_owned()), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_with_a_list_of_rooms_is_in_those_chats_alone() {
    let world = World::new().await;
    ["chat:c", "chat:d"].iter().for_each(|chat| world.directory.has_chat(&room(chat), &["ann"]));
    let narrow = Identity { rooms: Some([room("chat:d")].into()), ..identity("ann", AN_HOUR) };
    let mut ann = world.guest_as(narrow, None);
    assert!(ann.hear().await.starts_with("welcome"));
    world.presence.becomes([seat(&room("chat:d"), "ann")]).await;
    world.directory.has_chat(&room("chat:e"), &["ann"]);
    world.node.summon(&room("chat:e"), &user("ann")).await.unwrap();
    let said = world.broker.say(&room("chat:c"), "not for this token");
    assert_eq!(ann.ask(&format!("read chat:c {}", said.draft.id)).await, "refused forbidden");
    assert_eq!(ann.ask("join chat:e").await, "refused forbidden");
    assert_eq!(ann.rest().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_away_closes_the_connection_until_later() {
    let world = World::new().await;
    world.directory.go_away(true);
    let ann = world.returning("ann", None);
    let reason = ann.end().await;
    assert_eq!((reason, reason.code()), (CloseReason::Unavailable, 1013));
    assert_eq!(world.presence.slots(), 0);
    world.directory.go_away(false);
    world.guest("ann").await;
}

/// Messages are published all the while that a connection opens over a world that is slow.
async fn open_while_it_goes_on(seed: u64) {
    let (world, chat, mut dice) = (World::new().await, room("chat:c"), StdRng::seed_from_u64(seed));
    world.directory.has_chat(&chat, &["ann"]);
    for (index, script) in
        [&world.directory.lists, &world.notes.keeping, &world.presence.entering, &world.broker.heads]
            .into_iter()
            .enumerate()
    {
        script.weather(seed + index as u64, 30, 0.0);
    }
    let (mut ann, mut said, mut welcomed_at, mut frames) =
        (world.returning("ann", None), 0, None, Vec::new());
    while welcomed_at.is_none() || said < 60 {
        world.broker.say(&chat, "live");
        said += 1;
        sleep(Duration::from_millis(dice.random_range(0..6))).await;
        frames.extend(ann.heard());
        if welcomed_at.is_none() && !frames.is_empty() {
            welcomed_at = Some(said);
        }
    }
    frames.extend(ann.rest().await);
    assert!(frames[0].starts_with("welcome"), "seed {seed}: {frames:?}");
    let first = shown(&frames).first().expect("something is shown").seq;
    assert!(first <= welcomed_at.unwrap() + 1, "seed {seed}: {frames:?}");
    assert_eq!(shown(&frames), places(1, first, said), "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn from_the_first_message_on_nothing_is_lost_and_nothing_is_shown_twice() {
    for seed in 0..24 {
        open_while_it_goes_on(seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_published_between_the_seat_and_the_welcome_is_shown_behind_the_welcome() {
    let (world, chat) = (World::new().await, room("chat:c"));
    world.directory.has_chat(&chat, &["ann"]);
    let mut keeping = world.notes.keeping.hold();
    let mut ann = world.returning("ann", None);
    keeping.begun().await;
    // More than may be held back: the rest is read from the log again.
    for _ in 0..6 {
        (0..100).for_each(|_| drop(world.broker.say(&chat, "early")));
        calm().await;
    }
    keeping.release();
    let frames = ann.hear_through(at(1, 600)).await;
    assert!(frames[0].starts_with("welcome"), "{}", frames[0]);
    assert_eq!(shown(&frames), places(1, 1, 600));
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_one_is_added_to_before_ones_own_room_is_heard_is_joined_all_the_same() {
    for chats in [&[][..], &["chat:c"]] {
        let world = World::new().await;
        chats.iter().for_each(|chat| world.directory.has_chat(&room(chat), &["ann"]));
        let mut subscription = world.broker.subscriptions.hold();
        let mut ann = world.returning("ann", None);
        subscription.begun().await;
        world.directory.has_chat(&room("chat:new"), &["ann"]);
        world.node.summon(&room("chat:new"), &user("ann")).await.unwrap();
        subscription.release();
        assert!(ann.hear().await.starts_with("welcome"));
        calm().await;
        world.broker.say(&room("chat:new"), "hello");
        assert_eq!(ann.rest().await, ["message chat:new 1-1 hello"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_while_its_door_opens_leaves_nothing_behind() {
    let world = World::new().await;
    ["chat:c", "chat:d"].iter().for_each(|chat| world.directory.has_chat(&room(chat), &["ann"]));
    world.presence.entering.pass();
    let mut entering = world.presence.entering.hold();
    let mut ann = world.returning("ann", None);
    entering.begun().await;
    ann.vanish();
    assert_eq!(ann.end().await, CloseReason::Normal);
    world.presence.becomes([]).await;
    world.presence.renewed(10).await;
    for name in ["chat:c", "chat:d", "user:ann"] {
        assert!(!world.broker.is_subscribed(&room(name)), "{name}");
    }
    assert_eq!(world.presence.slots(), 0);
}

#[tokio::test(start_paused = true)]
async fn rooms_that_nobody_asked_for_by_command_do_not_count_against_the_limit() {
    let world = World::with(Limits { rooms: 1, ..Limits::default() }).await;
    ["chat:c", "chat:d"].iter().for_each(|chat| world.directory.has_chat(&room(chat), &["ann"]));
    let mut ann = world.guest("ann").await;
    assert!(ann.ask("join chat:c").await.starts_with("joined chat:c"));
    assert!(ann.ask("join r").await.starts_with("joined r"));
    ann.send("join s");
    assert_eq!(ann.hear_until("refused").await.last().unwrap(), "refused too_many_rooms");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_the_address_names_is_entered_only_where_a_command_could_enter_it() {
    let world = World::new().await;
    let narrow = Identity { rooms: Some([room("event:8")].into()), ..identity("ann", AN_HOUR) };
    let (mut ann, mut same) =
        (world.watcher_as(narrow.clone(), "event:7"), world.watcher_as(narrow, "event:8"));
    assert!(ann.hear().await.starts_with("welcome"));
    assert_eq!(ann.hear().await, "refused forbidden");
    assert!(same.hear().await.starts_with("welcome"));
    world.bookings.book(7, 0);
    world.bookings.book(8, 0);
    world.node.seats_changed();
    let seats = |heard: Vec<String>| heard.into_iter().filter(|frame| frame.starts_with("seats")).collect();
    let (ann, same): (Vec<_>, Vec<_>) = (seats(ann.rest().await), seats(same.rest().await));
    assert_eq!((ann, same), (vec![], vec!["seats 8 1 0".to_owned()]));
}
