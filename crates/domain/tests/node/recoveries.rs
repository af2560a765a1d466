//! Clients that come back to what they were in, after their connection or their whole node is gone.

use std::time::Duration;

use domain::node::Resume;
use domain::ports::PortError;
use domain::{CloseReason, Limits};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;

use crate::support::{AN_HOUR, Client, PING, World, at, calm, identity, places, room, shown, shown_of};

/// A client of the door that opens, in these rooms, which answers pings by hand.
async fn guest_in(world: &World, rooms: &[&str]) -> Client {
    let mut ann = world.guest("ann").await;
    ann.answers_by_hand();
    for name in rooms {
        ann.send(&format!("join {name}"));
        ann.hear_until("joined").await;
    }
    // Who is there is told a little later, once.
    sleep(Duration::from_secs(1)).await;
    ann.heard();
    ann
}

/// Comes back on a node; hears what it is told until nothing moves any more.
async fn come_back(world: &World, past: Option<Resume>) -> (Client, Vec<String>) {
    let mut ann = world.returning("ann", past);
    let heard = ann.rest().await;
    (ann, heard)
}

fn is_fresh(past: &Option<Resume>, client: &Client) -> bool {
    client.past().unwrap().recovery != past.as_ref().unwrap().recovery
}

/// A client lives on nodes that are killed again and again, over a broker and notes that are slow; it reads and answers
/// pings late, or not at all, and now and then joins a room that it is in.
async fn outlive_nodes(seed: u64, rooms: &[&str]) {
    let mut dice = StdRng::seed_from_u64(seed);
    let limits = Limits { ping_interval: Duration::from_millis(100), ..Limits::default() };
    let mut world = World::with(limits).await;
    let (mut ann, mut frames) = (guest_in(&world, rooms).await, Vec::new());
    let mut said = vec![0; rooms.len()];
    world.notes.keeping.weather(seed, 40, 0.0);
    for _ in 0..4 {
        world.broker.looks.weather(seed + 1, 20, 0.0);
        world.broker.heads.weather(seed + 2, 20, 0.0);
        for _ in 0..dice.random_range(1..60) {
            let index = dice.random_range(0..rooms.len());
            world.broker.say(&room(rooms[index]), "live");
            said[index] += 1;
            sleep(Duration::from_millis(dice.random_range(0..15))).await;
            if dice.random_bool(0.5) {
                frames.extend(ann.read(dice.random_range(0..8)));
            }
            if dice.random_bool(0.03) {
                ann.send(&format!("join {}", rooms[index]));
            }
        }
        let next = world.beside().await;
        world.kill();
        // Some of what was on the wire still arrives.
        frames.extend(ann.read_last(dice.random_range(0..6)));
        let past = ann.past();
        world = next;
        ann = world.returning("ann", past.clone());
        ann.answers_by_hand();
        ann.hear_until("welcome").await;
        assert!(!is_fresh(&past, &ann), "seed {seed}");
    }
    sleep(Duration::from_secs(5)).await;
    frames.extend(ann.heard());
    for (name, said) in rooms.iter().zip(said) {
        assert_eq!(shown_of(name, &frames), places(1, 1, said), "seed {seed}, room {name}");
    }
    let strange = frames.iter().find(|frame| frame.starts_with("resync"));
    assert_eq!(strange, None, "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn every_message_of_one_room_is_shown_once_and_in_order_however_often_its_node_is_killed() {
    for seed in 0..24 {
        outlive_nodes(seed, &["r"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_message_of_several_rooms_is_shown_once_and_in_order_however_often_their_node_is_killed() {
    for seed in 0..24 {
        outlive_nodes(seed, &["p", "q", "r"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_is_told_nothing_but_what_it_missed() {
    let world = World::new().await;
    world.directory.has_chat(&room("chat:c"), &["ann"]);
    let ann = guest_in(&world, &["r"]).await;
    let there = world.beside().await;
    world.kill();
    world.broker.say(&room("r"), "missed");
    world.broker.say(&room("chat:c"), "missed");
    let (mut back, mut heard) = come_back(&there, ann.past()).await;
    assert!(!is_fresh(&ann.past(), &back));
    assert!(heard.remove(0).starts_with("welcome"));
    heard.sort();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[0].starts_with("message chat:c 1-1 missed"), "{heard:?}");
    assert!(heard[1].starts_with("message r 1-1 missed"), "{heard:?}");
    there.broker.say(&room("r"), "live");
    assert!(back.hear_until("message r").await.last().unwrap().starts_with("message r 1-2 live"));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_could_not_be_kept_is_not_taken_for_kept() {
    let world = World::new().await;
    let mut ann = guest_in(&world, &["p", "q"]).await;
    world.broker.say(&room("p"), "one");
    ann.hear_until(PING).await;
    world.notes.keeping.fail(PortError::Deadline);
    ann.pong();
    calm().await;
    world.broker.say(&room("q"), "one");
    ann.hear_until("message q").await;
    let there = world.beside().await;
    world.kill();
    let (_, heard) = come_back(&there, ann.past()).await;
    assert_eq!(shown(&heard), [], "shown twice: {heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_being_kept_is_not_taken_for_kept() {
    let world = World::new().await;
    let mut ann = guest_in(&world, &["p", "q"]).await;
    world.broker.say(&room("p"), "one");
    ann.hear_until(PING).await;
    let mut keeping = world.notes.keeping.hold();
    ann.pong();
    keeping.begun().await;
    world.broker.say(&room("q"), "one");
    ann.hear_until("message q").await;
    let there = world.beside().await;
    world.kill();
    let (_, heard) = come_back(&there, ann.past()).await;
    assert_eq!(shown(&heard), [], "shown twice: {heard:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_an_earlier_ping_proves_nothing_that_was_shown_behind_it() {
    for is_always_late in [false, true] {
        let world = World::new().await;
        let mut ann = guest_in(&world, &["r"]).await;
        ann.hear_until(PING).await;
        if is_always_late {
            // It answers each ping only when the next one is out.
            ann.is_pinged(1).await;
            ann.pong();
            calm().await;
        }
        world.broker.say(&room("r"), "on the wire");
        ann.is_pinged(1).await;
        ann.pong();
        calm().await;
        let there = world.beside().await;
        world.kill();
        let (_, heard) = come_back(&there, ann.past()).await;
        assert_eq!(shown(&heard), places(1, 1, 1), "lost: {heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_of_life_that_answers_no_ping_proves_nothing() {
    let world = World::new().await;
    let ann = guest_in(&world, &["r"]).await;
    world.broker.say(&room("r"), "on the wire");
    ann.is_pinged(1).await;
    ann.sign_of_life();
    calm().await;
    let there = world.beside().await;
    world.kill();
    let (_, heard) = come_back(&there, ann.past()).await;
    assert_eq!(shown(&heard), places(1, 1, 1), "lost: {heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_joined_again_proves_nothing_that_is_on_the_wire() {
    for join in ["join r history 0", "join r since 0 epoch 1"] {
        let world = World::new().await;
        let ann = guest_in(&world, &["r"]).await;
        world.broker.say(&room("r"), "on the wire");
        calm().await;
        ann.send(join);
        calm().await;
        let there = world.beside().await;
        world.kill();
        let (_, heard) = come_back(&there, ann.past()).await;
        assert_eq!(shown(&heard), places(1, 1, 1), "{join}: {heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_was_shown_is_not_proven_and_what_was_read_is_not_repeated() {
    let world = World::new().await;
    let mut ann = guest_in(&world, &["p", "q"]).await;
    for _ in 0..3 {
        world.broker.say(&room("p"), "live");
        world.broker.say(&room("q"), "live");
    }
    calm().await;
    // Two of each are read; the third ones are on the wire when the node dies.
    let read = ann.read(4);
    assert_eq!((shown_of("p", &read), shown_of("q", &read)), (places(1, 1, 2), places(1, 1, 2)));
    let there = world.beside().await;
    world.kill();
    let (_, heard) = come_back(&there, ann.past()).await;
    assert_eq!((shown_of("p", &heard), shown_of("q", &heard)), (places(1, 3, 3), places(1, 3, 3)));
}

#[tokio::test(start_paused = true)]
async fn a_join_is_kept_before_it_is_answered() {
    let world = World::new().await;
    let mut ann = guest_in(&world, &[]).await;
    let mut keeping = world.notes.keeping.hold();
    ann.send("join r");
    keeping.begun().await;
    assert_eq!(ann.rest().await, Vec::<String>::new());
    keeping.release();
    ann.hear_until("joined r").await;
    let there = world.beside().await;
    world.kill();
    world.broker.say(&room("r"), "missed");
    let (_, heard) = come_back(&there, ann.past()).await;
    assert_eq!(shown(&heard), places(1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_join_that_cannot_be_kept_is_refused_and_leaves_a_room_that_was_joined_as_it_was() {
    let world = World::new().await;
    let mut ann = guest_in(&world, &["r"]).await;
    for (name, is_in) in [("r", 1), ("s", 0)] {
        world.notes.keeping.fail(PortError::Deadline);
        ann.send(&format!("join {name}"));
        let answer = ann.hear_until("").await;
        let answer = answer.last().unwrap();
        world.broker.say(&room(name), "live");
        let told = shown(&ann.rest().await).len();
        let expected = if answer.starts_with("joined") { 1 } else { is_in };
        assert_eq!(told, expected, "{name}: {answer}");
        world.notes.keeping.clear();
    }
    let there = world.beside().await;
    world.kill();
    world.broker.say(&room("r"), "missed");
    let (_, heard) = come_back(&there, ann.past()).await;
    assert_eq!(shown_of("r", &heard), [at(1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_was_left_and_a_chat_that_one_was_removed_from_are_not_come_back_to() {
    let world = World::new().await;
    world.directory.has_chat(&room("chat:c"), &["ann"]);
    let mut ann = guest_in(&world, &["p", "r"]).await;
    ann.send("leave p");
    ann.hear_until("left p").await;
    let there = world.beside().await;
    world.kill();
    world.directory.remove(&room("chat:c"), "ann");
    ["p", "r", "chat:c"].iter().for_each(|name| drop(world.broker.say(&room(name), "missed")));
    let (_, heard) = come_back(&there, ann.past()).await;
    assert_eq!(heard.iter().filter(|frame| frame.contains("missed")).count(), 1, "{heard:?}");
    assert_eq!(shown_of("r", &heard), places(1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_comes_back_after_hours_and_a_lapsed_past_does_not() {
    let world = World::new().await;
    let mut ann = world.guest_as(identity("ann", 5 * AN_HOUR), None);
    ann.hear_until("welcome").await;
    assert_eq!(ann.ask("join r").await, "joined r 1-0 fresh members=1  ");
    // Its pings are answered all the while.
    sleep(3 * AN_HOUR).await;
    ann.heard();
    let (there, past) = (world.beside().await, ann.past());
    world.kill();
    world.broker.say(&room("r"), "missed");
    let (back, heard) = come_back(&there, past.clone()).await;
    assert_eq!(shown(&heard), places(1, 1, 1));
    assert!(!is_fresh(&past, &back));
    let next = there.beside().await;
    there.kill();
    sleep(AN_HOUR).await;
    let (late, heard) = come_back(&next, past.clone()).await;
    assert!(is_fresh(&past, &late), "{heard:?}");
    assert_eq!(heard.len(), 1, "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_past_that_is_foreign_unknown_or_garbled_is_answered_with_a_fresh_welcome() {
    let world = World::new().await;
    let ann = guest_in(&world, &["r"]).await;
    let past = ann.past();
    world.broker.say(&room("r"), "not for strangers");
    let unknown = Some(Resume { recovery: "0".repeat(32).into(), place: None });
    let garbled = past.clone().map(|past| Resume { place: Some("nowhere".into()), ..past });
    let ahead = past.clone().map(|past| Resume { place: Some("r=1-999".into()), ..past });
    for (user, past) in [("bob", past.clone()), ("ann", unknown), ("ann", garbled), ("ann", ahead)] {
        let mut stranger = world.returning(user, past.clone());
        let heard = stranger.rest().await;
        assert!(is_fresh(&past, &stranger), "{user} {past:?}");
        assert_eq!(heard.len(), 1, "{user} {past:?}: {heard:?}");
    }
    world.notes.scribble("scribble");
    let (stranger, heard) = come_back(&world, past.clone()).await;
    assert!(is_fresh(&past, &stranger));
    assert_eq!(heard.len(), 1, "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gap_above_the_longest_replay_is_answered_with_a_fresh_welcome_and_one_of_that_length_is_not() {
    for (missed, fresh) in [(300, false), (301, true)] {
        let world = World::with(Limits { max_replay: 300, ..Limits::default() }).await;
        let ann = guest_in(&world, &["r"]).await;
        let there = world.beside().await;
        world.kill();
        (0..missed).for_each(|_| drop(world.broker.say(&room("r"), "missed")));
        let (back, heard) = come_back(&there, ann.past()).await;
        assert_eq!(is_fresh(&ann.past(), &back), fresh);
        assert_eq!(shown(&heard), if fresh { Vec::new() } else { places(1, 1, missed) });
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_position_forgets_the_past() {
    let world = World::new().await;
    let mut ann = guest_in(&world, &["r"]).await;
    // The database is ahead of what is asked for and does not have it, and the hot log begins behind it.
    (1..=5).for_each(|_| drop(world.broker.accept(&room("r"), "lost")));
    world.broker.trim(&room("r"), 1);
    let past = ann.past();
    let last = world.broker.say(&room("r"), "seen");
    world.store.keep_head(last.position);
    ann.heard();
    assert_eq!(ann.end().await, CloseReason::PositionLost);
    let (back, heard) = come_back(&world, past.clone()).await;
    assert!(is_fresh(&past, &back), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_replaces_its_own_dead_connection_comes_back_to_its_past() {
    let limits = Limits { connections_per_user: 1, replace_oldest: true, ..Limits::default() };
    let world = World::with(limits).await;
    let ann = guest_in(&world, &["r"]).await;
    let (there, past) = (world.beside().await, ann.past());
    // Its connection is dead, and its node does not know it yet.
    world.broker.say(&room("r"), "one");
    let (back, heard) = come_back(&there, past.clone()).await;
    assert!(!is_fresh(&past, &back), "{heard:?}");
    assert_eq!(shown(&heard), places(1, 1, 1));
    assert_eq!(ann.end().await, CloseReason::TooManyConnections);
    there.broker.say(&room("r"), "two");
    let next = there.beside().await;
    there.kill();
    let past = Some(Resume { place: Some("r=1-1".into()), ..past.unwrap() });
    let (back, heard) = come_back(&next, past.clone()).await;
    assert!(!is_fresh(&past, &back), "{heard:?}");
    assert_eq!(shown(&heard), [at(1, 2)]);
}
