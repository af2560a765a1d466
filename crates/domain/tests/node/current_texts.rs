//! Whoever reads back sees a message as it stands now, wherever its edits and its deletion stand.

use domain::{MessageId, RoomId};

use crate::support::{Client, World, room};

/// How many entries a node reads at once.
const CHUNK: usize = 200;

fn id_of(world: &World, room: &RoomId, seq: u64) -> MessageId {
    world.broker.log(room).iter().find(|entry| entry.position.seq == seq).unwrap().draft.id
}

/// A client that has said "one" and "two", and then called the first "eins" and taken the second away.
async fn author(world: &World, between: usize) -> Client {
    let mut ann = world.member("ann", &["r"]).await;
    for text in ["one", "two"] {
        ann.send(&format!("say r {text}"));
        ann.rest().await;
    }
    for _ in 0..between {
        world.broker.say(&room("r"), "noise");
        ann.rest().await;
    }
    let (first, second) = (id_of(world, &room("r"), 1), id_of(world, &room("r"), 2));
    ann.send(&format!("edit r {first} eins"));
    ann.rest().await;
    ann.send(&format!("delete r {second}"));
    ann.rest().await;
    ann
}

#[tokio::test(start_paused = true)]
async fn a_replay_shows_the_present_text_at_the_old_place_and_the_edit_at_its_own() {
    let world = World::new().await;
    let _ann = author(&world, 0).await;
    let mut bob = world.client("bob");
    let joined = bob.ask("join r since 0 epoch 1").await;
    assert_eq!(joined, "joined r 1-4 recovered members=2 1-1,1-2,1-3,1-4 eins||eins|");
}

#[tokio::test(start_paused = true)]
async fn a_long_replay_knows_the_edits_that_stand_in_its_later_pieces() {
    let world = World::new().await;
    let _ann = author(&world, 2 * CHUNK).await;
    let mut bob = world.client("bob");
    bob.send("join r since 0 epoch 1");
    let told = bob.hear_until("joined").await;
    assert!(!told.iter().any(|frame| frame.contains("one") || frame.contains("two")), "{:?}", &told[..2]);
    let shown = told.last().unwrap().contains(" eins||noise") || told[0].contains("message r 1-1 eins");
    assert!(shown, "{:?}", &told[..2]);
}

#[tokio::test(start_paused = true)]
async fn a_page_shows_edits_that_stand_behind_it() {
    let world = World::new().await;
    let mut ann = author(&world, 5).await;
    assert_eq!(ann.ask("history r 2 3").await, "history r 1-1,1-2 - eins|");
}

#[tokio::test(start_paused = true)]
async fn the_page_of_a_join_leaves_the_place_of_what_was_deleted() {
    let world = World::new().await;
    let _ann = author(&world, 0).await;
    let mut bob = world.client("bob");
    let joined = bob.ask("join r history 10").await;
    assert_eq!(joined, "joined r 1-4 fresh members=2 1-1,1-2 eins|");
}

#[tokio::test(start_paused = true)]
async fn a_page_has_as_many_messages_as_there_are_whatever_else_has_numbers_between_them() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["r"]).await;
    for text in ["one", "two", "three"] {
        ann.send(&format!("say r {text}"));
        ann.rest().await;
    }
    let first = id_of(&world, &room("r"), 1);
    for _ in 0..10 {
        ann.send(&format!("react r {first} +1"));
        ann.rest().await;
    }
    // The database has nothing of it yet, and is not needed.
    assert_eq!(ann.ask("history r 2").await, "history r 1-2,1-3 2 two|three");
    assert_eq!(ann.ask("history r 3").await, "history r 1-1,1-2,1-3 - one|two|three");
    let joined = world.client("bob").ask("join r history 2").await;
    assert!(joined.ends_with(" 1-2,1-3 two|three"), "{joined}");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_only_the_database_could_complete_is_not_said_to_be_the_beginning() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["r"]).await;
    let kept: Vec<_> = (0..4).map(|_| world.broker.say(&room("r"), "said")).collect();
    ann.rest().await;
    world.broker.trim(&room("r"), 2);
    assert_eq!(
        ann.ask("history r 3").await,
        "refused overloaded",
        "the database has nothing of the room yet"
    );
    kept.into_iter().for_each(|entry| world.store.keep(entry));
    assert_eq!(ann.ask("history r 3").await, "history r 1-2,1-3,1-4 2 said|said|said");
}
