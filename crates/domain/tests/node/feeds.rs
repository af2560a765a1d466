//! Feeds: every change of an event's seats is shown once and in order on every node, whatever is lost, told twice or told
//! while the database is away.

use std::time::Duration;

use domain::ports::PortError;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;

use crate::support::{Client, World, calm, room};

/// Longer than an outbox waits to be looked into unasked, and than a pause behind a failed look.
const SOON: Duration = Duration::from_millis(600);

/// The versions of an event that a client was shown.
fn versions(frames: &[String], event: u64) -> Vec<u64> {
    let start = format!("seats {event} ");
    let changes = frames.iter().filter_map(|frame| frame.strip_prefix(&start));
    changes.map(|change| change.split(' ').next().unwrap().parse().unwrap()).collect()
}

/// What a client is shown of event 7 by the time when nothing moves any more.
async fn shown(client: &mut Client) -> Vec<u64> {
    versions(&client.rest().await, 7)
}

fn through(first: u64, last: u64) -> Vec<u64> {
    (first..=last).collect()
}

/// Somebody books a seat of event 7, and it is told at once.
async fn book(world: &World) {
    world.bookings.book(7, 0);
    world.node.seats_changed();
    calm().await;
}

/// The same, and this node does not hear of it.
async fn book_unheard(world: &World, deaf: &World) {
    deaf.broker.fall_behind();
    book(world).await;
    deaf.broker.lose_what_is_late();
}

#[tokio::test(start_paused = true)]
async fn every_subscriber_on_every_node_is_shown_every_change_once_with_seats_falling() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut clients = [
        here.member("ann", &["event:7"]).await,
        here.member("bob", &["event:7"]).await,
        there.member("eve", &["event:7"]).await,
    ];
    here.bookings.book_all(7, 100);
    here.bookings.book_all(8, 3);
    here.node.seats_changed();
    there.node.seats_changed();
    let expected: Vec<String> =
        (1..=100).map(|version| format!("seats 7 {version} {}", 100 - version)).collect();
    for client in &mut clients {
        assert_eq!(client.rest().await, expected);
        sleep(SOON).await;
        assert_eq!(client.rest().await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn what_went_unheard_is_shown_before_anything_later() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut eve = there.member("eve", &["event:7"]).await;
    book(&here).await;
    for _ in 0..3 {
        book_unheard(&here, &there).await;
    }
    assert_eq!(shown(&mut eve).await, [1]);
    let mut look = there.bookings.looks.hold();
    book(&here).await;
    look.begun().await;
    // The answer in hand ends with the fifth one.
    book(&here).await;
    book(&here).await;
    assert_eq!(shown(&mut eve).await, Vec::<u64>::new());
    look.release();
    assert_eq!(shown(&mut eve).await, through(2, 7));
}

#[tokio::test(start_paused = true)]
async fn the_last_change_that_went_unheard_is_shown_when_deliveries_are_in_doubt() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut eve = there.member("eve", &["event:7"]).await;
    book_unheard(&here, &there).await;
    there.broker.doubt();
    assert_eq!(shown(&mut eve).await, [1]);
    book(&here).await;
    assert_eq!(shown(&mut eve).await, [2]);
}

#[tokio::test(start_paused = true)]
async fn a_doubt_while_the_database_is_looked_at_is_looked_into_as_well() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut eve = there.member("eve", &["event:7"]).await;
    let mut look = there.bookings.looks.hold();
    there.broker.doubt();
    look.begun().await;
    book_unheard(&here, &there).await;
    there.broker.doubt();
    look.release();
    assert_eq!(shown(&mut eve).await, [1]);
}

#[tokio::test(start_paused = true)]
async fn in_doubt_the_next_change_is_shown_though_the_database_is_away_and_a_later_one_is_not() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut eve = there.member("eve", &["event:7"]).await;
    book(&here).await;
    for _ in 0..10 {
        there.bookings.looks.fail(PortError::Deadline);
    }
    there.broker.doubt();
    book(&here).await;
    assert_eq!(shown(&mut eve).await, through(1, 2));
    book_unheard(&here, &there).await;
    book(&here).await;
    assert_eq!(shown(&mut eve).await, Vec::<u64>::new());
    sleep(5 * SOON).await;
    assert_eq!(shown(&mut eve).await, through(3, 4));
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_cannot_be_healed_yet_keeps_no_other_room_waiting() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut eve = there.member("eve", &["event:7", "event:8", "r"]).await;
    let mut look = there.bookings.looks.hold();
    book_unheard(&here, &there).await;
    book(&here).await;
    look.begun().await;
    there.broker.fall_behind();
    here.bookings.book(8, 1);
    here.node.seats_changed();
    calm().await;
    here.broker.accept(&room("r"), "one");
    there.broker.lose_what_is_late();
    here.bookings.book(8, 0);
    here.node.seats_changed();
    here.broker.say(&room("r"), "two");
    let mut heard = eve.rest().await;
    heard.sort();
    assert_eq!(heard, ["message r 1-1 one", "message r 1-2 two", "seats 8 1 1", "seats 8 2 0"]);
    look.release();
    assert_eq!(shown(&mut eve).await, through(1, 2));
}

#[tokio::test(start_paused = true)]
async fn far_more_than_a_queue_takes_is_caught_up_with_in_order() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut eve = there.member("eve", &["event:7"]).await;
    there.broker.fall_behind();
    here.bookings.book_all(7, 1000);
    here.node.seats_changed();
    calm().await;
    there.broker.lose_what_is_late();
    there.broker.doubt();
    sleep(SOON).await;
    assert_eq!(shown(&mut eve).await, through(1, 1000));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kept_any_more_holds_nothing_up() {
    for kept in [4, 9] {
        let here = World::new().await;
        let there = here.beside().await;
        let mut eve = there.member("eve", &["event:7"]).await;
        there.broker.fall_behind();
        here.bookings.book_all(7, 8);
        here.node.seats_changed();
        calm().await;
        there.broker.lose_what_is_late();
        here.bookings.forget(7, kept);
        book(&here).await;
        let expected = if kept == 4 { through(5, 9) } else { vec![9] };
        assert_eq!(shown(&mut eve).await, expected);
        book(&here).await;
        assert_eq!(shown(&mut eve).await, [10]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_shown_what_comes_behind_its_subscription_and_nothing_older() {
    let world = World::new().await;
    world.bookings.book_all(7, 5);
    let mut ann = world.client("ann");
    let mut look = world.bookings.versions.hold();
    ann.send("join event:7 history 0");
    look.begun().await;
    // The answer in hand says five; all of these are told before the client is in the feed.
    for _ in 0..4 {
        book(&world).await;
    }
    look.release();
    assert_eq!(ann.rest().await, ["joined event:7 1-0 fresh members=1  "]);
    book(&world).await;
    assert_eq!(ann.rest().await, ["seats 7 10 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_while_the_feed_is_looked_up_leaves_that_to_the_next_one() {
    let world = World::new().await;
    world.bookings.book_all(7, 5);
    world.bookings.all_brought();
    let mut look = world.bookings.versions.hold();
    let mut ann = world.client("ann");
    ann.send("join event:7 history 0");
    look.begun().await;
    ann.vanish();
    ann.end().await;
    let mut eve = world.member("eve", &["event:7"]).await;
    book(&world).await;
    assert_eq!(shown(&mut eve).await, [6]);
}

#[tokio::test(start_paused = true)]
async fn while_the_database_is_away_a_feed_begins_with_what_comes_next_and_only_rises() {
    let here = World::new().await;
    let there = here.beside().await;
    here.bookings.book_all(7, 5);
    here.bookings.all_brought();
    here.bookings.versions.fail(PortError::Deadline);
    let mut eve = there.member("eve", &["event:7"]).await;
    // There is nothing to compare with.
    there.broker.doubt();
    here.bookings.marks.fail(PortError::Deadline);
    book(&here).await;
    sleep(2 * SOON).await;
    assert_eq!(shown(&mut eve).await, [6], "though it was told twice");
    book_unheard(&here, &there).await;
    book(&here).await;
    assert_eq!(shown(&mut eve).await, through(7, 8));
}

#[tokio::test(start_paused = true)]
async fn what_was_told_before_the_database_failed_to_answer_is_where_a_feed_begins() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut eve = there.client("eve");
    here.bookings.versions.weather(7, 20_000, 1.0);
    eve.send("join event:7 history 0");
    calm().await;
    book(&here).await;
    assert_eq!(eve.rest().await, Vec::<String>::new(), "the look is still under way");
    assert!(eve.hear().await.starts_with("joined"));
    book_unheard(&here, &there).await;
    book(&here).await;
    assert_eq!(shown(&mut eve).await, through(2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_is_joined_while_it_is_being_closed_begins_anew() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["event:7"]).await;
    book(&world).await;
    assert_eq!(shown(&mut ann).await, [1]);
    let mut farewell = world.broker.farewells.hold();
    assert_eq!(ann.ask("leave event:7").await, "left event:7");
    farewell.begun().await;
    ann.send("join event:7");
    book(&world).await;
    farewell.release();
    assert!(ann.hear().await.starts_with("joined"));
    book(&world).await;
    assert_eq!(shown(&mut ann).await, [3]);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_nobody_was_in_for_a_while_begins_anew() {
    let world = World::new().await;
    let linger = world.node.limits().linger;
    let mut ann = world.member("ann", &["event:7"]).await;
    book(&world).await;
    assert_eq!(shown(&mut ann).await, [1]);
    assert_eq!(ann.ask("leave event:7").await, "left event:7");
    book(&world).await;
    assert!(ann.ask("join event:7").await.starts_with("joined"));
    book(&world).await;
    assert_eq!(shown(&mut ann).await, [3]);
    assert_eq!(ann.ask("leave event:7").await, "left event:7");
    sleep(linger + Duration::from_secs(3)).await;
    assert!(!world.broker.is_subscribed(&room("event:7")));
    book(&world).await;
    assert!(ann.ask("join event:7").await.starts_with("joined"));
    assert_eq!(shown(&mut ann).await, Vec::<u64>::new());
    book(&world).await;
    assert_eq!(shown(&mut ann).await, [5]);
}

#[tokio::test(start_paused = true)]
async fn a_room_without_an_event_has_no_feed() {
    let world = World::new().await;
    for name in ["event:seven", "event:07", "r"] {
        world.bookings.versions.fail(PortError::Deadline);
        let mut ann = world.member("ann", &[name]).await;
        world.broker.doubt();
        assert_eq!(ann.rest().await, Vec::<String>::new());
    }
    assert_eq!(world.bookings.versions.left(), 3, "nobody asked");
}

/// Bookings on two nodes while deliveries get lost, come into doubt, and the database is slow and fails.
async fn book_in_bad_weather(seed: u64) {
    let (here, mut dice) = (World::new().await, StdRng::seed_from_u64(seed));
    let there = here.beside().await;
    let (mut ann, mut eve) =
        (here.member("ann", &["event:7"]).await, there.member("eve", &["event:7"]).await);
    here.bookings.looks.weather(seed, 400, 0.3);
    here.bookings.marks.weather(seed + 1, 20, 0.1);
    let (mut heard, mut last) = (Vec::new(), 0);
    while last < 150 {
        for _ in 0..dice.random_range(0..8) {
            here.bookings.book(7, 0);
            last += 1;
        }
        [&here, &there][dice.random_range(0..2)].node.seats_changed();
        if dice.random_bool(0.3) {
            there.broker.fall_behind();
            sleep(Duration::from_millis(dice.random_range(0..100))).await;
            there.broker.lose_what_is_late();
            if dice.random_bool(0.5) {
                there.broker.doubt();
            }
        }
        sleep(Duration::from_millis(dice.random_range(0..100))).await;
        heard.extend(eve.heard());
    }
    sleep(Duration::from_secs(30)).await;
    there.broker.doubt();
    sleep(Duration::from_secs(10)).await;
    heard.extend(eve.heard());
    assert_eq!(versions(&heard, 7), through(1, last), "seed {seed}");
    assert_eq!(shown(&mut ann).await, through(1, last), "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn in_any_weather_every_change_is_shown_once_and_in_order() {
    for seed in 0..24 {
        book_in_bad_weather(seed).await;
    }
}
