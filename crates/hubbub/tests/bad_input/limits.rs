//! Limits: the last value that is allowed, the first that is not, and what comes of insisting.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::client::{Client, End, within};
use super::support::dev::{Dev, UNHURRIED};
use super::support::pause;
use super::{Pair, fresh, gateways};

/// The default limit of a frame.
const FRAME: usize = 64 * 1024;

#[tokio::test]
async fn text_of_8192_characters_is_heard_and_one_more_is_too_large() {
    let mut pair = Pair::apart().await;
    for character in ["a", "ü", "漢", "😀"] {
        for text in [character.repeat(8192), format!(" \n{}\t ", character.repeat(8192))] {
            pair.offender.say(&pair.room, &text).await;
            pair.offender.hears(&text).await;
            pair.bystander.hears(&text).await;
        }
        pair.offender.say(&pair.room, &character.repeat(8193)).await;
        pair.is_refused("too_large").await;
    }
    pair.both_go_on().await;
}

#[tokio::test]
async fn a_frame_of_64_kib_is_read_and_anything_above_is_closed_with_1009() {
    let mut pair = Pair::apart().await;
    let command = |room: &str| json!({ "type": "chat", "roomId": room, "message": "full", "more": "" });
    let padding = FRAME - command(&pair.room).to_string().len();
    let mut full = command(&pair.room);
    full["more"] = "x".repeat(padding).into();
    pair.offender.send(&full).await;
    pair.offender.hears("full").await;
    pair.bystander.hears("full").await;
    full["more"] = "x".repeat(padding + 1).into();
    pair.offender.send(&full).await;
    assert_eq!(pair.offender.end().await, (vec![], End::Closed(1009, "too_large".to_owned())));
    pair.bystander_goes_on().await;
}

#[tokio::test]
async fn a_frame_of_10_mb_is_closed_with_1009() {
    let mut pair = Pair::apart().await;
    within(pair.offender.try_text("x".repeat(10_000_000))).await;
    assert_eq!(pair.offender.end().await, (vec![], End::Closed(1009, "too_large".to_owned())));
    pair.bystander_goes_on().await;
}

#[tokio::test]
async fn the_tenth_bad_frame_within_a_minute_is_answered_and_then_closed_with_4500() {
    let mut pair = Pair::apart().await;
    let bad = ["{", r#"{"type":"dance"}"#, r#"{"type":"chat"}"#];
    for frame in bad.iter().cycle().take(9) {
        pair.offender.text(*frame).await;
        assert_eq!(pair.offender.next().await["type"], "error");
    }
    // Other errors do not count.
    pair.offender.say("elsewhere", "a").await;
    pair.is_refused("not_in_room").await;
    pair.both_go_on().await;
    pair.offender.text("one too many").await;
    pair.is_refused("invalid_message").await;
    assert_eq!(pair.offender.end().await, (vec![], End::Closed(4500, "invalid_message".to_owned())));
    pair.bystander_goes_on().await;
}

#[tokio::test]
async fn who_is_too_fast_is_told_when_to_come_back() {
    let mut pair = Pair::apart().await;
    for number in 0..60 {
        pair.offender.say(&pair.room, &format!("quick {number}")).await;
    }
    let mut refused = Vec::new();
    for _ in 0..60 {
        let frame = pair.offender.next().await;
        match frame["code"].as_str() {
            Some("rate_limited") => refused.push(frame),
            Some(code) => panic!("{code}"),
            None => assert_eq!(frame["type"], "chat"),
        }
    }
    // The burst is 40, and the join was one of it; a few more were earned meanwhile.
    assert!((1..=21).contains(&refused.len()), "{}", refused.len());
    let wait = refused.pop().unwrap()["retryAfterMs"].as_u64().unwrap();
    assert!((1..=1000).contains(&wait), "{wait}");
    pair.bystander.join(&fresh("another")).await;
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let text = fresh("patient");
    pair.offender.say(&pair.room, &text).await;
    pair.offender.hears(&text).await;
    while pair.bystander.next().await["message"] != *text {}
}

#[tokio::test]
async fn who_insists_is_closed_with_4429() {
    let mut pair = Pair::apart().await;
    // Joining again is a command too, and nobody else hears of it.
    let again = json!({ "type": "join_room", "roomId": pair.room, "history": 0 }).to_string();
    let mut refused = Vec::new();
    let end = loop {
        pair.offender.try_text(again.clone()).await;
        match within(pair.offender.receive()).await {
            Ok(frame) if frame["type"] == "joined" => {}
            Ok(frame) => refused.push(frame),
            Err(end) => break end,
        }
    };
    assert_eq!(end, End::Closed(4429, "rate_limited".to_owned()));
    assert_eq!(refused.len(), 200);
    assert!(refused.iter().all(|frame| frame["code"] == "rate_limited" && frame["retryAfterMs"].is_u64()));
    pair.bystander_goes_on().await;
}

#[tokio::test]
async fn a_connection_joins_100_rooms_and_no_more_until_it_leaves_one() {
    let dev = Dev::start(&UNHURRIED).await;
    let mut pair = Pair::on(dev.public(), dev.public()).await;
    for number in 1..100 {
        pair.offender.join(&format!("many-{number}")).await;
    }
    let join = json!({ "type": "join_room", "roomId": "many-100", "history": 0 });
    pair.offender.send(&join).await;
    pair.is_refused("too_many_rooms").await;
    pair.both_go_on().await;
    // A room that is joined already is none more.
    pair.offender.join("many-1").await;
    pair.offender.send(&json!({ "type": "leave_room", "roomId": "many-1" })).await;
    assert_eq!(pair.offender.next().await["type"], "left");
    pair.offender.send(&join).await;
    assert_eq!(pair.offender.next().await["type"], "joined");
}

#[tokio::test]
async fn a_users_sixth_connection_in_the_cluster_is_closed_with_4509() {
    let ports: Vec<u16> = gateways().await.gateways.iter().map(|part| part.public).collect();
    let mut pair = Pair::apart().await;
    let user = fresh("busy");
    let mut open = Vec::new();
    for number in 0..5 {
        let mut client = Client::of(&user, ports[number % 2]).await;
        client.join(&pair.room).await;
        open.push(client);
    }
    for port in &ports {
        let (frames, end) = Client::of(&user, *port).await.end().await;
        assert!(frames.iter().all(|frame| frame["code"] == "too_many_connections"), "{frames:?}");
        assert_eq!(end, End::Closed(4509, "too_many_connections".to_owned()));
    }
    pair.both_go_on().await;
    open.pop().unwrap().leave().await;
    within(a_connection_that_stays(&user, ports[0])).await;
    for client in &mut open {
        assert_eq!(client.next().await["type"], "chat", "the five heard the probe and were never closed");
    }
}

/// The slot of a connection that ended is free a moment later.
async fn a_connection_that_stays(user: &str, port: u16) -> Value {
    loop {
        let mut client = Client::of(user, port).await;
        client.try_text(json!({ "type": "join_room", "roomId": "after" }).to_string()).await;
        match client.receive().await {
            Ok(frame) if frame["type"] == "joined" => return frame,
            Ok(_) | Err(_) => pause().await,
        }
    }
}
