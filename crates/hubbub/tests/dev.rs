//! `hubbub dev` as a developer meets it: links that work, two nodes in one process, and no surprise for the network.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::client::Client;
use support::dev::{Dev, program};
use support::{PATIENCE, get};
use tempfile::TempDir;
use testkit::{Process, free_port};

/// From nothing to the first message, on a busy machine and unoptimised.
const SHORT: Duration = Duration::from_secs(5);

/// Port and token of a printed link.
async fn link(process: &mut Process, name: &str) -> (u16, String) {
    let line = process.wait_for_line(&format!("  {name} "), PATIENCE).await;
    let (address, token) = line.split_once("http://127.0.0.1:").unwrap().1.split_once("/?token=").unwrap();
    (address.parse().unwrap(), token.trim().to_owned())
}

/// Started as a person would, but on free ports.
fn start(folder: &TempDir, more: &[&str]) -> Process {
    let launch = program().arg("dev").args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).args(more);
    launch.current_dir(folder.path()).start()
}

#[tokio::test]
async fn the_links_that_it_prints_let_two_people_talk_and_the_time_to_the_first_message_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut process = start(&folder, &[]);
    let (port, token) = link(&mut process, "Alice").await;
    let mut alice = Client::connect(port, &format!("/?token={token}")).await;
    alice.join("lounge").await;
    alice.say("lounge", "first").await;
    alice.hears("first").await;
    let took = began.elapsed();
    println!("cold start to the first message heard: {took:?}");
    assert!(took < SHORT, "{took:?}");
    let (port, token) = link(&mut process, "Bob").await;
    let mut bob = Client::connect(port, &format!("/?token={token}")).await;
    bob.send(&json!({ "type": "join_room", "roomId": "lounge" })).await;
    let joined = bob.until("joined").await;
    assert_eq!(joined["history"][0]["message"], "first", "{joined}");
    assert_eq!((&joined["history"][0]["username"], &joined["members"]), (&json!("Alice"), &json!(2)));
    bob.say("lounge", "between you and me").await;
    alice.hears("between you and me").await;
    let page = get(port, &format!("/?token={token}")).await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<title>Hubbub</title>"), "{page}");
    process.signal("INT");
    assert_eq!(process.wait(Duration::from_secs(10)).await, 0, "{}", process.output());
    assert!(!process.output().contains("between you and me"), "what people say is nobody's log");
}

#[tokio::test]
async fn every_address_that_it_prints_answers() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = start(&folder, &[]);
    let line = process.wait_for_line("  Internal ", PATIENCE).await;
    let (port, path) = line.split_once("http://127.0.0.1:").unwrap().1.split_once('/').unwrap();
    let metrics = get(port.parse().unwrap(), &format!("/{path}")).await;
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("hubbub_"), "{line}: {metrics}");
}

#[tokio::test]
async fn every_door_that_it_prints_lets_a_client_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = start(&folder, &[]);
    let (_, token) = link(&mut process, "Alice").await;
    for (door, greeting) in [("Hub", "welcome"), ("Bookings", "connection_established")] {
        let line = process.wait_for_line(&format!("  {door} "), PATIENCE).await;
        let (port, path) = line.split_once("ws://127.0.0.1:").unwrap().1.split_once('/').unwrap();
        let path = format!("/{}", path.trim().replace("TOKEN", &token));
        let mut client = Client::connect(port.parse().unwrap(), &path).await;
        assert_eq!(client.next().await["type"], greeting, "{line}");
    }
    let line = process.wait_for_line("  Rooms ", PATIENCE).await;
    let (port, path) = line.split_once("ws://127.0.0.1:").unwrap().1.split_once('/').unwrap();
    let path = format!("/{}", path.trim().replace("TOKEN", &token));
    Client::connect(port.parse().unwrap(), &path).await.join("lounge").await;
}

#[tokio::test]
async fn two_nodes_in_one_process_share_rooms() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = start(&folder, &["--nodes", "2"]);
    let (first, alice) = link(&mut process, "Alice").await;
    let (second, bob) = link(&mut process, "Bob").await;
    assert_ne!(first, second, "each person on a node of their own");
    let mut alice = Client::connect(first, &format!("/?token={alice}")).await;
    let mut bob = Client::connect(second, &format!("/?token={bob}")).await;
    assert_eq!(alice.join("lounge").await["members"], 1);
    assert_eq!(bob.join("lounge").await["members"], 2);
    for number in 0..10 {
        let (speaker, listener) =
            if number % 2 == 0 { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        let text = format!("number {number}");
        speaker.say("lounge", &text).await;
        speaker.hears(&text).await;
        listener.hears(&text).await;
    }
    assert_eq!(alice.join("lounge").await["seq"], 10);
}

#[tokio::test]
async fn given_ports_are_used_and_each_further_node_takes_the_next_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (public, admin) = (two_free_ports(), two_free_ports());
    let (listen, internal) = (format!("127.0.0.1:{public}"), format!("127.0.0.1:{admin}"));
    let given = ["dev", "--nodes", "2", "--listen", &listen, "--admin", &internal];
    let mut process = program().args(given).current_dir(folder.path()).start();
    assert_eq!(link(&mut process, "Alice").await.0, public);
    assert_eq!(link(&mut process, "Bob").await.0, public + 1);
    for port in [admin, admin + 1] {
        assert!(get(port, "/healthz").await.starts_with("HTTP/1.1 200"));
    }
}

/// The first of two neighbouring ports that are both free.
fn two_free_ports() -> u16 {
    let mut first = free_port();
    loop {
        let second = free_port();
        if second == first + 1 {
            return first;
        }
        first = second;
    }
}

#[tokio::test]
async fn an_address_that_other_machines_can_reach_is_refused_with_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for (flag, address) in [("--listen", "0.0.0.0:0"), ("--admin", "0.0.0.0:0"), ("--listen", "[::]:0")] {
        let mut process = program().args(["dev", flag, address]).current_dir(folder.path()).start();
        assert_eq!(process.wait(PATIENCE).await, 2);
        assert!(process.output().contains("--expose"), "{}", process.output());
    }
    assert!(!folder.path().join("hubbub-data").exists(), "nothing is made before the addresses are accepted");
}

#[tokio::test]
async fn a_port_that_somebody_else_has_is_a_failure_that_names_it() {
    let first = Dev::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let taken = format!("127.0.0.1:{}", first.public());
    let given = ["dev", "--listen", &taken, "--admin", "127.0.0.1:0"];
    let mut second = program().args(given).current_dir(folder.path()).start();
    assert_eq!(second.wait(PATIENCE).await, 1);
    assert!(second.output().contains(&taken), "{}", second.output());
    Client::of("carol", first.public()).await.join("lounge").await;
}
