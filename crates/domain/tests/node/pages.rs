//! Pages and replays full of what grows when it is written: they can be joined.

use crate::support::{World, at, room};

const FRAME: usize = 1024 * 1024;

#[tokio::test(start_paused = true)]
async fn a_page_full_of_control_characters_can_be_joined() {
    let world = World::new().await;
    let text = "\u{1}".repeat(8192);
    (1..=31).for_each(|_| drop(world.broker.accept(&room("r"), &text)));
    let mut client = world.client("client");
    let joined = client.ask("join r history 50").await;
    assert!(joined.starts_with("joined r 1-31"), "{}", &joined[..60]);
    assert!(joined.contains("1-31 "), "the newest message is on the page");
    assert!(joined.len() < FRAME, "{} bytes", joined.len());
}

#[tokio::test(start_paused = true)]
async fn a_replay_full_of_control_characters_comes_whole_in_frames_that_can_be_read() {
    let world = World::new().await;
    let text = "\u{1}".repeat(8192);
    (1..=31).for_each(|_| drop(world.broker.accept(&room("r"), &text)));
    let mut client = world.client("client");
    client.send("join r since 0 epoch 1");
    let mut frames = client.hear_through(at(1, 31)).await;
    frames.push(client.hear().await);
    assert_eq!(frames.len(), 32);
    assert!(frames[31].starts_with("joined r 1-31 recovered"), "{}", &frames[31][..60]);
    assert!(frames.iter().all(|frame| frame.len() < FRAME));
}
