//! One command at a time and in order, and nothing else waits for a slow one.

use std::time::Duration;

use domain::{CloseReason, Limits};

use crate::support::{World, calm, room};

#[tokio::test(start_paused = true)]
async fn deliveries_and_pings_go_on_while_a_command_is_slow() {
    let (ping_interval, ping_timeout) = (Duration::from_secs(5), Duration::from_secs(12));
    let world = World::with(Limits { ping_interval, ping_timeout, ..Limits::default() }).await;
    let mut client = world.member("client", &["r"]).await;
    let mut publication = world.broker.publications.hold();
    client.send("say r slow");
    publication.begun().await;
    world.broker.say(&room("r"), "from another");
    assert_eq!(client.hear().await, "message r 1-1 from another");
    // More time than the ping timeout allows, were the pings or their answers to wait.
    client.is_pinged(5).await;
    publication.release();
    let mut heard = [client.hear().await, client.hear().await];
    heard.sort();
    assert_eq!(heard, ["accepted 1-2", "message r 1-2 slow"]);
}

#[tokio::test(start_paused = true)]
async fn commands_are_executed_in_order_however_slow_the_first_one_is() {
    let world = World::new().await;
    let mut client = world.member("client", &["r"]).await;
    let mut publication = world.broker.publications.hold();
    ["say r one", "say r two", "leave r", "say r three"].iter().for_each(|command| client.send(command));
    publication.begun().await;
    assert_eq!(client.rest().await, Vec::<String>::new());
    publication.release();
    let heard = client.rest().await;
    let answers: Vec<&String> = heard.iter().filter(|frame| !frame.starts_with("message")).collect();
    assert_eq!(answers, ["accepted 1-1", "accepted 1-2", "left r", "refused not_in_room"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_is_not_kept_by_its_slow_command() {
    let world = World::new().await;
    let mut client = world.member("client", &["r"]).await;
    let mut publication = world.broker.publications.hold();
    client.send("say r slow");
    publication.begun().await;
    client.vanish();
    assert_eq!(client.end_within(Duration::from_millis(1)).await, CloseReason::Normal);
    assert!(world.presence.seats().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_drain_and_a_full_queue_end_a_client_whose_command_is_slow() {
    let world = World::with(Limits { outbound_frames: 8, ..Limits::default() }).await;
    let mut drained = world.member("drained", &["r"]).await;
    let flooded = world.member("flooded", &["f"]).await;
    let (mut first, mut second) = (world.broker.publications.hold(), world.broker.publications.hold());
    drained.send("say r slow");
    first.begun().await;
    flooded.send("say f slow");
    second.begun().await;
    (0..9).for_each(|_| drop(world.broker.say(&room("f"), "flood")));
    assert_eq!(flooded.end().await, CloseReason::SlowConsumer);
    assert_eq!(world.node.drain(Duration::from_secs(5)).await, 0);
    calm().await;
    assert_eq!(drained.hear().await, "reconnect");
    assert_eq!(drained.end().await, CloseReason::Draining);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_costs_as_much_as_a_command_and_a_flood_of_it_ends_the_connection() {
    let world = World::with_rates(Limits::default()).await;
    let mut client = world.client("flooder");
    for _ in 0..40 {
        assert_eq!(client.ask("join !").await, "refused invalid_room");
    }
    for _ in 0..199 {
        assert_eq!(client.ask("join !").await, "refused rate_limited");
    }
    client.send("join !");
    assert_eq!(client.end().await, CloseReason::RateAbused);
}
