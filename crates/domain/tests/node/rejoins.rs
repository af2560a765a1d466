//! A room that is joined already is joined again: nothing is repeated and nothing is skipped.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;

use crate::support::{World, at, calm, places, room, shown};

#[tokio::test(start_paused = true)]
async fn a_rejoin_repeats_nothing_that_was_shown() {
    let world = World::new().await;
    let mut client = world.member("client", &["r"]).await;
    (1..=3).for_each(|_| drop(world.broker.say(&room("r"), "live")));
    client.hear_through(at(1, 3)).await;
    for join in ["join r since 0 epoch 1", "join r since 2 epoch 1", "join r history 0"] {
        let joined = client.ask(join).await;
        assert!(joined.starts_with("joined r 1-3 "), "{joined}");
        assert_eq!(shown(&[joined]), []);
    }
    world.broker.say(&room("r"), "next");
    assert_eq!(client.hear().await, "message r 1-4 next");
}

#[tokio::test(start_paused = true)]
async fn a_rejoin_skips_nothing_that_is_on_its_way() {
    for join in ["join r since 0 epoch 1", "join r history 0", "join r since 999 epoch 1 history 0"] {
        let world = World::new().await;
        let mut client = world.member("client", &["r"]).await;
        world.broker.say(&room("r"), "seen");
        client.hear_through(at(1, 1)).await;
        let mut head = world.broker.heads.hold();
        client.send(join);
        head.begun().await;
        (2..=4).for_each(|_| drop(world.broker.say(&room("r"), "on its way")));
        calm().await;
        head.release();
        let mut frames = client.hear_through(at(1, 4)).await;
        frames.extend(client.rest().await);
        assert_eq!(shown(&frames), places(1, 2, 4), "{join}: {frames:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_rejoin_leaves_the_room_as_it_was() {
    let world = World::new().await;
    let mut client = world.member("client", &["r"]).await;
    world.presence.entering.fail(domain::ports::PortError::Deadline);
    assert_eq!(client.ask("join r history 0").await, "refused overloaded");
    world.broker.say(&room("r"), "still here");
    assert_eq!(client.hear().await, "message r 1-1 still here");
}

/// One client joins again and again, with every kind of join, while the room goes on.
async fn rejoin_again_and_again(seed: u64) {
    let (world, r, mut dice) = (World::new().await, room("r"), StdRng::seed_from_u64(seed));
    let mut client = world.member("client", &["r"]).await;
    world.broker.heads.weather(seed, 10, 0.0);
    world.broker.looks.weather(seed + 1, 20, 0.0);
    let (last, mut frames) = (400, Vec::new());
    for _ in 1..=last {
        world.broker.say(&r, "live");
        if dice.random_bool(0.05) {
            // A client resumes from where it knows that it is, or from before.
            frames.extend(client.heard());
            let since = dice.random_range(0..=shown(&frames).len());
            client.send(&if dice.random() {
                format!("join r since {since} epoch 1 history 0")
            } else {
                "join r history 0".to_owned()
            });
        }
        if dice.random_bool(0.3) {
            sleep(Duration::from_millis(dice.random_range(0..5))).await;
        }
    }
    frames.extend(client.rest().await);
    while shown(&frames).len() < places(1, 1, last).len() {
        frames.push(client.hear().await);
    }
    frames.extend(client.rest().await);
    assert_eq!(shown(&frames), places(1, 1, last), "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_joins_again_and_again_misses_nothing_and_hears_nothing_twice() {
    for seed in 0..24 {
        rejoin_again_and_again(seed).await;
    }
}
