//! What is committed, told to those who named their messages.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use crate::support::{Client, World, at, room};

const PAUSE: Duration = Duration::from_millis(250);

fn commit(world: &World, seq: u64) {
    let log = world.broker.log(&room("r"));
    log.into_iter().filter(|entry| entry.position.seq == seq).for_each(|entry| world.store.keep(entry));
}

async fn marks(client: &mut Client) -> Vec<String> {
    client.rest().await.into_iter().filter(|frame| frame.starts_with("stored")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_watermark_is_told_once_to_who_named_a_message_when_it_is_committed() {
    let world = World::new().await;
    let (mut ann, mut bob) = (world.member("ann", &["r"]).await, world.member("bob", &["r"]).await);
    ann.send("say#a r one");
    ann.send("say#b r two");
    bob.send("say r nameless");
    sleep(4 * PAUSE).await;
    assert_eq!(marks(&mut ann).await, Vec::<String>::new());
    commit(&world, 1);
    sleep(4 * PAUSE).await;
    assert_eq!(marks(&mut ann).await, Vec::<String>::new(), "the second one is not committed");
    commit(&world, 2);
    sleep(4 * PAUSE).await;
    assert_eq!(marks(&mut ann).await, ["stored r 1-2"]);
    commit(&world, 3);
    sleep(4 * PAUSE).await;
    assert_eq!((marks(&mut ann).await, marks(&mut bob).await), (Vec::new(), Vec::new()));
    let asked = world.store.asked.load(Ordering::SeqCst);
    sleep(40 * PAUSE).await;
    assert_eq!(world.store.asked.load(Ordering::SeqCst), asked, "nobody waits, nothing is read");
    // A repeat of what is committed is told so at once.
    ann.send("say#a r one");
    sleep(2 * PAUSE).await;
    assert_eq!(marks(&mut ann).await, ["stored r 1-3"]);
}

#[tokio::test(start_paused = true)]
async fn watermarks_of_a_room_keep_their_pause_and_wait_for_a_database_that_is_away() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["r"]).await;
    world.store.go_away(true);
    ann.send("say#first r hello");
    sleep(4 * PAUSE).await;
    world.store.go_away(false);
    commit(&world, 1);
    sleep(2 * PAUSE).await;
    assert_eq!(marks(&mut ann).await, ["stored r 1-1"]);
    for seq in 2..=51 {
        ann.send(&format!("say#{seq} r hello"));
        sleep(Duration::from_millis(9)).await;
        commit(&world, seq);
        sleep(Duration::from_millis(11)).await;
    }
    sleep(2 * PAUSE).await;
    let told = marks(&mut ann).await;
    // One second of messages.
    assert!((2..=6).contains(&told.len()), "{told:?}");
    assert_eq!(told.last().unwrap(), "stored r 1-51");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_the_broker_lost_is_not_called_stored_because_a_later_epoch_is() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["r"]).await;
    ann.send("say#a r lost");
    sleep(PAUSE).await;
    world.broker.come_back_empty(at(9, 100));
    world.store.keep(world.broker.say(&room("r"), "later"));
    sleep(4 * PAUSE).await;
    assert_eq!(marks(&mut ann).await, Vec::<String>::new());
}
