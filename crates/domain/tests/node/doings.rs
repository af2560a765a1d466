//! Writing, reading, calling, and going on with a fresh token.

use std::time::Duration;

use domain::CloseReason;
use tokio::time::{Instant, sleep};

use crate::support::{Client, World, calm, room};

/// Two members of a room, and a second connection of the first one.
async fn ann_twice_and_bob(world: &World) -> [Client; 3] {
    [world.member("ann", &["r"]).await, world.member("ann", &["r"]).await, world.member("bob", &["r"]).await]
}

#[tokio::test(start_paused = true)]
async fn who_writes_is_shown_to_the_others_alone_and_stops_by_every_way_out() {
    let world = World::new().await;
    let [mut ann, mut also_ann, mut bob] = ann_twice_and_bob(&world).await;
    assert_eq!(ann.ask("write r").await, "done");
    assert_eq!(bob.hear().await, "writes r ann");
    assert_eq!(ann.ask("write r").await, "done");
    assert_eq!(ann.ask("stop r").await, "done");
    assert_eq!(bob.rest().await, ["stops r ann"], "a start that is repeated at once is no news");
    assert_eq!(ann.ask("write r").await, "done");
    assert_eq!(ann.ask("leave r").await, "left r");
    assert_eq!(bob.rest().await, ["writes r ann", "stops r ann"]);
    assert!(ann.ask("join r history 0").await.starts_with("joined"));
    assert_eq!(ann.ask("write r").await, "done");
    ann.vanish();
    assert_eq!(bob.rest().await, ["writes r ann", "stops r ann"]);
    assert_eq!(also_ann.rest().await, Vec::<String>::new());
    assert_eq!(also_ann.ask("write s").await, "refused not_in_room");
}

#[tokio::test(start_paused = true)]
async fn writing_ends_by_itself_after_the_last_start_on_every_node_even_if_the_writers_node_died() {
    let (here, there) = {
        let here = World::new().await;
        let there = here.beside().await;
        (here, there)
    };
    let (mut ann, mut bob) = (here.member("ann", &["r"]).await, there.member("bob", &["r"]).await);
    let begun = Instant::now();
    assert_eq!(ann.ask("write r").await, "done");
    sleep(Duration::from_secs(3)).await;
    assert_eq!(ann.ask("write r").await, "done");
    assert_eq!(bob.rest().await, ["writes r ann", "writes r ann"], "shown again after a while");
    here.kill();
    assert_eq!(bob.hear().await, "stops r ann");
    assert!(
        (Duration::from_secs(9)..Duration::from_secs(10)).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(bob.rest().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn who_is_put_out_while_writing_is_not_seen_writing_any_longer_than_anybody() {
    let world = World::new().await;
    let chat = room("chat:c");
    world.directory.has_chat(&chat, &["ann", "bob"]);
    let (mut ann, mut bob) = (world.member("ann", &["chat:c"]).await, world.member("bob", &["chat:c"]).await);
    assert_eq!(ann.ask("write chat:c").await, "done");
    world.directory.remove(&chat, "ann");
    world.node.expel(&chat, &crate::support::user("ann")).await.unwrap();
    sleep(Duration::from_secs(7)).await;
    assert_eq!(bob.heard(), ["writes chat:c ann", "stops chat:c ann"]);
    ann.vanish();
    assert_eq!(bob.rest().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_read_receipt_goes_forwards_only_and_is_told_once_to_everybody_in_the_chat() {
    let world = World::new().await;
    ["chat:c", "chat:d"].iter().for_each(|chat| world.directory.has_chat(&room(chat), &["ann", "bob"]));
    let (mut ann, mut also_ann) =
        (world.member("ann", &["chat:c"]).await, world.member("ann", &["chat:c"]).await);
    let mut bob = world.member("bob", &["chat:c"]).await;
    let ids: Vec<_> = (0..3).map(|_| world.broker.say(&room("chat:c"), "hello").draft.id).collect();
    for client in [&mut ann, &mut also_ann, &mut bob] {
        client.rest().await;
    }
    for (index, told) in [(1, 1), (1, 0), (0, 0), (2, 1)] {
        ann.send(&format!("read chat:c {}", ids[index]));
        let heard = ann.rest().await;
        assert!(heard.contains(&"done".to_owned()), "{heard:?}");
        assert_eq!(heard.len(), 1 + told, "{heard:?}");
        for other in [&mut also_ann, &mut bob] {
            assert_eq!(other.rest().await, vec!["read chat:c ann".to_owned(); told]);
        }
    }
    assert_eq!(ann.ask(&format!("read chat:d {}", ids[2])).await, "refused not_found");
    let mut eve = world.client("eve");
    assert_eq!(eve.ask(&format!("read chat:c {}", ids[2])).await, "refused not_a_participant");
    assert_eq!(eve.ask(&format!("read r {}", ids[2])).await, "refused not_in_room");
}

#[tokio::test(start_paused = true)]
async fn a_call_reaches_every_connection_of_somebody_who_shares_a_chat() {
    let here = World::new().await;
    let there = here.beside().await;
    here.directory.has_chat(&room("chat:c"), &["ann", "bob"]);
    let (mut ann, mut one, mut two) = (here.client("ann"), here.guest("bob").await, there.guest("bob").await);
    assert_eq!(ann.ask("ring bob now").await, "done");
    for phone in [&mut one, &mut two] {
        assert!(phone.rest().await.contains(&"ring ann now".to_owned()));
    }
    assert_eq!(ann.ask("ring eve now").await, "refused forbidden");
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_of_ones_own_moves_the_end_and_no_other_token_does() {
    let world = World::new().await;
    let mut ann = world.client_for("ann", Duration::from_secs(60));
    let begun = Instant::now();
    assert_eq!(ann.ask("refresh nonsense").await, "refused unauthorized");
    assert_eq!(ann.ask("refresh bob/9999").await, "refused forbidden");
    assert_eq!(ann.ask("refresh ann/600").await, "done");
    let end = ann.end_within(Duration::from_secs(700)).await;
    assert_eq!(end, CloseReason::TokenExpired);
    assert!(begun.elapsed() > Duration::from_secs(590) && begun.elapsed() < Duration::from_secs(601));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_that_ends_sooner_ends_the_connection_sooner() {
    let world = World::new().await;
    let mut ann = world.client("ann");
    calm().await;
    assert_eq!(ann.ask("refresh ann/3").await, "done");
    assert_eq!(ann.end_within(Duration::from_secs(4)).await, CloseReason::TokenExpired);
}
