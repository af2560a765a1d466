//! Many connections of few users come, join, leave and go over a broker that is slow and fails: in the end the
//! cluster has exactly the seats that somebody sits on.

use std::collections::HashSet;

use domain::ports::Lease;
use domain::{Limits, RoomId, UserId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::{Client, World, room, seat};

const ROOMS: [&str; 3] = ["p", "q", "r"];

/// A client, its user, and the rooms that it was told it is in.
struct Sitter {
    user: &'static str,
    client: Client,
    rooms: HashSet<&'static str>,
}

impl Sitter {
    /// Joins or leaves at random, several commands in a row, and believes the answers.
    async fn wander(&mut self, mut dice: StdRng) {
        for _ in 0..dice.random_range(5..30) {
            let name = ROOMS[dice.random_range(0..ROOMS.len())];
            let join = dice.random_bool(0.6);
            let command = if join { format!("join {name} history 0") } else { format!("leave {name}") };
            let answer = self.client.ask(&command).await;
            match answer.split(' ').next() {
                Some("joined") => drop(self.rooms.insert(name)),
                Some("left") => drop(self.rooms.remove(name)),
                Some("refused") => assert!(join, "{command}: {answer}"),
                _ => panic!("{command}: {answer}"),
            }
        }
    }
}

async fn churn(seed: u64, failures: f64) {
    let world = World::with(Limits { connections_per_user: 0, ..Limits::default() }).await;
    world.presence.entering.weather(seed, 200, failures);
    world.presence.leaving.weather(seed + 1, 200, failures);
    // The lease lapses in the middle of it.
    world.presence.leases.lock().unwrap().extend([Lease::Lapsed, Lease::Held, Lease::Lapsed]);
    let mut dice = StdRng::seed_from_u64(seed);
    let users = ["one", "one", "one", "one", "two", "two"];
    let mut sitters: Vec<Sitter> = users
        .into_iter()
        .map(|user| Sitter { user, client: world.client(user), rooms: HashSet::new() })
        .collect();
    let wanderings = sitters.iter_mut().map(|sitter| sitter.wander(StdRng::seed_from_u64(dice.random())));
    futures::future::join_all(wanderings).await;
    // Some go away, in the middle of one more command.
    let mut staying = Vec::new();
    for mut sitter in sitters {
        if dice.random_bool(0.4) {
            sitter.client.send(if dice.random() { "leave p" } else { "join q history 0" });
            sitter.client.vanish();
            sitter.client.end().await;
        } else {
            staying.push(sitter);
        }
    }
    world.presence.entering.calm_weather();
    world.presence.leaving.calm_weather();
    let sits = |sitter: &Sitter| -> Vec<(RoomId, UserId)> {
        sitter.rooms.iter().map(|name| seat(&room(name), sitter.user)).collect()
    };
    let expected: HashSet<_> = staying.iter().flat_map(sits).collect();
    world.presence.renewed(3).await;
    assert_eq!(world.presence.seats(), expected, "seed {seed}");
    assert_eq!(world.presence.slots(), staying.len(), "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn the_seats_are_exactly_right_after_much_joining_and_leaving() {
    for seed in 0..40 {
        churn(seed, 0.0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_seats_are_exactly_right_after_joining_and_leaving_over_a_broker_that_fails() {
    for seed in 100..140 {
        churn(seed, 0.2).await;
    }
}
