//! Joins that resume while the room goes on: no gap, no repeat, and never a part called the whole.

use std::time::Duration;

use domain::{Limits, RoomId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;

use crate::support::{World, at, calm, places, room, shown};

const SEEDS: u64 = 24;

fn joined(frames: &[String]) -> &str {
    frames.iter().find(|frame| frame.starts_with("joined")).expect("the join is answered")
}

/// Hundreds of messages at random times; some deliveries are lost, and doubted now and then.
async fn publish(world: &World, room: &RoomId, dice: &mut StdRng, count: u64, losses: f64) {
    for _ in 0..count {
        if dice.random_bool(losses) {
            world.broker.accept(room, "lost");
        } else {
            world.broker.say(room, "live");
        }
        if dice.random_bool(losses / 4.0) {
            world.broker.doubt();
        }
        if dice.random_bool(0.4) {
            sleep(Duration::from_millis(dice.random_range(0..4))).await;
        }
    }
    world.broker.doubt();
}

/// Several clients resume at random places of a room that goes on, over a broker whose looks take their time.
async fn resume_while_it_goes_on(seed: u64, losses: f64) {
    // The room's pace is far above what a queue holds while a hole is filled; that limit has its own tests.
    let limits = Limits { outbound_frames: 0, outbound_bytes: 0, ..Limits::default() };
    let (world, r, mut dice) = (World::with(limits).await, room("r"), StdRng::seed_from_u64(seed));
    let (old, live) = (dice.random_range(1..500), dice.random_range(200..500));
    (0..old).for_each(|_| drop(world.broker.accept(&r, "old")));
    world.broker.heads.weather(seed, 20, 0.0);
    world.broker.looks.weather(seed + 1, 40, 0.0);
    let mut clients = Vec::new();
    for index in 0..4 {
        let since = dice.random_range(0..=old);
        let client = world.client(&format!("client{index}"));
        client.send(&format!("join r since {since} epoch 1"));
        clients.push((since, client));
        publish(&world, &r, &mut dice, live / 4, losses).await;
    }
    let last = old + 4 * (live / 4);
    for (since, mut client) in clients {
        let mut frames = client.hear_through(at(1, last)).await;
        frames.extend(client.rest().await);
        assert_eq!(shown(&frames), places(1, since + 1, last), "seed {seed}");
        assert!(joined(&frames).contains(" recovered "), "seed {seed}: {}", joined(&frames));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_resumes_while_messages_arrive_misses_nothing_and_hears_nothing_twice() {
    for seed in 0..SEEDS {
        resume_while_it_goes_on(seed, 0.0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_resumes_while_deliveries_are_lost_misses_nothing_and_hears_nothing_twice() {
    for seed in 0..SEEDS {
        resume_while_it_goes_on(seed, 0.1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn more_live_messages_than_a_replay_may_hold_back_are_read_from_the_log_again() {
    let (world, r) = (World::new().await, room("r"));
    (1..=50).for_each(|_| drop(world.broker.accept(&r, "old")));
    let mut client = world.client("client");
    let mut look = world.broker.looks.hold();
    client.send("join r since 0 epoch 1");
    look.begun().await;
    for _ in 0..7 {
        // Fewer than the connection's queue holds, so that it is the replay's own limit that is met.
        (0..100).for_each(|_| drop(world.broker.say(&r, "live")));
        calm().await;
    }
    look.release();
    let mut frames = client.hear_through(at(1, 750)).await;
    world.broker.say(&r, "after");
    frames.extend(client.hear_through(at(1, 751)).await);
    frames.extend(client.rest().await);
    assert_eq!(shown(&frames), places(1, 1, 751));
    assert!(joined(&frames).contains(" recovered "));
}

#[tokio::test(start_paused = true)]
async fn a_place_in_an_earlier_epoch_is_not_recovered_and_the_newest_page_is_shown() {
    let (world, r) = (World::new().await, room("r"));
    (1..=3).for_each(|_| world.store.keep(world.broker.accept(&r, "old")));
    world.broker.come_back_empty(at(9, 3));
    (4..=6).for_each(|_| drop(world.broker.accept(&r, "new")));
    // By its number alone, 3 stands directly before what the log holds.
    for since in ["since 3 epoch 1", "since 2 epoch 1", "since 2"] {
        let mut client = world.client("client");
        let answer = client.ask(&format!("join r {since} history 2")).await;
        assert_eq!(answer, "joined r 9-6 unrecovered members=1 9-5,9-6 new|new", "{since}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_above_the_longest_replay_is_not_recovered_and_one_of_that_length_is() {
    let (world, r) = (World::with(Limits { max_replay: 300, ..Limits::default() }).await, room("r"));
    (1..=310).for_each(|_| drop(world.broker.accept(&r, "old")));
    let mut far = world.client("far");
    assert_eq!(
        far.ask("join r since 9 epoch 1 history 2").await,
        "joined r 1-310 unrecovered members=1 1-309,1-310 old|old"
    );
    let mut near = world.client("near");
    near.send("join r since 10 epoch 1");
    let mut frames = near.hear_through(at(1, 310)).await;
    frames.extend(near.rest().await);
    assert_eq!(shown(&frames), places(1, 11, 310));
    assert!(joined(&frames).contains(" recovered "));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_never_reached_and_a_gap_that_nobody_has_are_not_recovered() {
    let (world, r) = (World::new().await, room("r"));
    (1..=20).for_each(|_| drop(world.broker.accept(&r, "old")));
    let mut ahead = world.client("ahead");
    assert!(ahead.ask("join r since 21 epoch 1").await.starts_with("joined r 1-20 unrecovered"));
    world.broker.trim(&r, 5);
    world.store.go_away(true);
    let mut behind = world.client("behind");
    let joined = behind.ask("join r since 10 epoch 1 history 3").await;
    assert_eq!(joined, "joined r 1-20 unrecovered members=2 1-18,1-19,1-20 old|old|old");
}

#[tokio::test(start_paused = true)]
async fn what_the_hot_log_no_longer_has_is_replayed_from_the_database() {
    let (world, r) = (World::new().await, room("r"));
    (1..=600).for_each(|_| world.store.keep(world.broker.accept(&r, "old")));
    world.broker.trim(&r, 50);
    let mut client = world.client("client");
    client.send("join r since 100 epoch 1");
    let mut frames = client.hear_through(at(1, 600)).await;
    frames.extend(client.rest().await);
    assert_eq!(shown(&frames), places(1, 101, 600));
    assert!(joined(&frames).contains(" recovered "));
}
