//! A client that never reads: it costs the room nothing, and its connection ends by every limit there is.

use std::time::Duration;

use domain::{CloseReason, Limits};
use tokio::time::Instant;

use crate::support::{Client, World, calm, room};

/// A client that has stopped reading, with a write under way.
async fn stuck(world: &World, token: Duration) -> Client {
    let mut client = world.client_for("stuck", token);
    client.ask("join r history 0").await;
    client.stall();
    world.broker.say(&room("r"), "nobody reads this");
    calm().await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_over_when_the_ping_timeout_has_passed() {
    let ping_timeout = Duration::from_secs(1);
    let world = World::with(Limits { ping_timeout, ..Limits::default() }).await;
    let stuck = stuck(&world, Duration::from_secs(3600)).await;
    assert_eq!(stuck.end_within(ping_timeout).await, CloseReason::SlowConsumer);
    world.presence.becomes([]).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_a_client_that_never_reads_within_its_time() {
    let world = World::new().await;
    let stuck = stuck(&world, Duration::from_secs(3600)).await;
    let (begun, within) = (Instant::now(), Duration::from_secs(5));
    assert_eq!(world.node.drain(within).await, 0);
    assert!(begun.elapsed() < within);
    assert_eq!(stuck.end().await, CloseReason::Draining);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_its_token_ends_a_client_that_never_reads() {
    let world = World::new().await;
    let token = Duration::from_secs(3);
    let stuck = stuck(&world, token).await;
    assert_eq!(stuck.end_within(token).await, CloseReason::TokenExpired);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_ends_a_client_that_never_reads_at_once() {
    let world = World::new().await;
    let stuck = stuck(&world, Duration::from_secs(3600)).await;
    for _ in 0..=world.node.limits().outbound_frames {
        world.broker.say(&room("r"), "nor this");
    }
    assert_eq!(stuck.end_within(Duration::from_millis(1)).await, CloseReason::SlowConsumer);
}

#[tokio::test(start_paused = true)]
async fn the_other_members_of_a_room_are_served_at_once_while_one_never_reads() {
    let world = World::new().await;
    let _stuck = stuck(&world, Duration::from_secs(3600)).await;
    let mut other = world.member("other", &["r"]).await;
    let begun = Instant::now();
    for seq in 2..=20 {
        world.broker.say(&room("r"), "hello");
        assert_eq!(other.hear().await, format!("message r 1-{seq} hello"));
    }
    // The acknowledgement and the message itself come by two ways.
    let mut heard = [other.ask("say r too").await, other.hear().await];
    heard.sort();
    assert_eq!(heard, ["accepted 1-21", "message r 1-21 too"]);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
