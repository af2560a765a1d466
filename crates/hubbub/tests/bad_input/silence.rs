//! Clients that are silent: gone without a word, or there without reading.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpSocket;

use super::support::client::{AT_ONCE, Client, End, within};
use super::support::dev::{Dev, UNHURRIED};
use super::support::{get, pause, token};
use super::{Pair, fresh};

/// Messages of 8 kB: more than both kernels' buffers and our own queue hold, and few enough to be replayed.
const FLOOD: u64 = 900;

#[tokio::test]
async fn a_client_that_vanishes_without_a_word_is_gone_after_the_ping_timeout() {
    let dev = Dev::start(&["limits.ping_interval=200ms", "limits.ping_timeout=1s"]).await;
    let mut pair = Pair::on(dev.public(), dev.public()).await;
    let mut vanished = Client::of(&fresh("vanished"), dev.public()).await;
    assert_eq!(vanished.join(&pair.room).await["members"], 3);
    // From here on nobody reads for it: no ping is answered, and the socket stays open on this side.
    let began = Instant::now();
    while pair.bystander.join(&pair.room).await["members"] != 2 {
        pair.both_go_on().await;
        assert!(began.elapsed() < Duration::from_secs(5), "its seat is still taken");
        pause().await;
    }
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    vanished.end().await;
    pair.both_go_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_let_go_and_can_resume_while_the_others_stay_fast() {
    let dev = Dev::start(&UNHURRIED).await;
    let mut pair = Pair::on(dev.public(), dev.public()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let path = format!("/?token={}", token::of(&fresh("slow")));
    let mut slow = Client::over(socket, dev.public(), &path).await;
    slow.join(&pair.room).await;
    let slowest = flood(&mut pair, FLOOD).await;
    assert!(slowest < AT_ONCE, "{slowest:?}");
    let mut said = FLOOD;
    while within(connections(&dev)).await == 3 {
        assert!(said < FLOOD + 90, "a reader that reads nothing is still there");
        pair.both_go_on().await;
        said += 1;
        pause().await;
    }
    let (frames, end) = slow.end().await;
    assert!(end == End::Closed(4008, "slow_consumer".to_owned()) || end == End::Cut, "{end:?}");
    let mut seqs: Vec<u64> = frames.iter().filter_map(|frame| frame["seq"].as_u64()).collect();
    let mut back = Client::connect(dev.public(), &path).await;
    let since = seqs.last().copied().unwrap_or(0);
    back.send(&json!({ "type": "join_room", "roomId": pair.room, "since": since, "epoch": 1 })).await;
    let joined = loop {
        let frame = back.next().await;
        if frame["type"] == "joined" {
            break frame;
        }
        seqs.extend(frame["seq"].as_u64());
    };
    assert_eq!(joined["recovered"], true, "{joined}");
    seqs.extend(joined["history"].as_array().unwrap().iter().filter_map(|frame| frame["seq"].as_u64()));
    assert_eq!(seqs, (1..=said).collect::<Vec<_>>(), "nothing is lost or repeated");
}

/// Large messages, each heard by both before the next one. Returns the longest wait.
async fn flood(pair: &mut Pair, count: u64) -> Duration {
    let mut slowest = Duration::ZERO;
    for number in 0..count {
        let text = format!("{number} {}", "x".repeat(8_000));
        let began = Instant::now();
        pair.offender.say(&pair.room, &text).await;
        pair.offender.hears(&text).await;
        pair.bystander.hears(&text).await;
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

/// How many connections the node counts.
async fn connections(dev: &Dev) -> u64 {
    let metrics = within(get(dev.part.admin, "/metrics")).await;
    let line =
        metrics.lines().find(|line| line.starts_with("hubbub_connections{")).expect("the node counts them");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
