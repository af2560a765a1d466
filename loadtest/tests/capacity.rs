//! The capacity search, against a server that breaks at a known load.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::process::Output;

use fake::{Fake, Habits, SECRET};
use tokio::process::Command;

/// The seventh message of a room is heard twice: above 20 messages per second, 300 ms are long enough for it.
fn breaks_above_20() -> Habits {
    Habits { repeats: Some(7), ..Habits::default() }
}

async fn search(habits: Habits, table: &str) -> (Option<i32>, String, serde_json::Value) {
    let fake = Fake::start(habits).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, json) = (folder.path().join("search.toml"), folder.path().join("ceiling.json"));
    let scenario =
        "name = \"search\"\nusers = 4\nrooms = 1\nrate = 4\nduration = \"300ms\"\nsettle = \"2s\"\n";
    std::fs::write(&file, format!("{scenario}{table}")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
    command.arg("capacity").arg(file).args(["--secret", SECRET, "--target", &fake.targets[0]]);
    let Output { status, stdout, stderr } = command.arg("--json").arg(&json).output().await.unwrap();
    let told = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    let found = std::fs::read_to_string(json).map(|text| serde_json::from_str(&text).unwrap());
    (status.code(), told, found.unwrap_or_default())
}

#[tokio::test]
async fn the_rate_at_which_a_server_breaks_is_found_within_a_twentieth() {
    let table = "[capacity]\nraise = \"rate\"\nfrom = 5\nfactor = 2\nto = 100\n";
    let (code, told, found) = search(breaks_above_20(), table).await;
    assert_eq!((code, found["limit"].as_str()), (Some(0), Some("servers")), "{told}");
    let value = |step: &str| found[step]["value"].as_f64().unwrap();
    let (good, bad) = (value("last_good"), value("first_bad"));
    // Timers have a grain: the last message may be due in time and leave too late.
    assert!((15.0..=24.0).contains(&good) && bad / good <= 1.051, "{told}");
    let why = found["first_bad"]["reasons"][0].as_str().unwrap();
    assert!(why.contains("repeated") && told.starts_with("CAPACITY search, rate: "), "{told}");
}

#[tokio::test]
async fn raised_users_say_as_much_as_before_each() {
    let table = "[capacity]\nraise = \"users\"\nfrom = 4\nfactor = 2\nto = 16\n";
    let (code, told, found) = search(Habits::default(), table).await;
    assert_eq!((code, found["limit"].as_str()), (Some(0), Some("none")), "{told}");
    let steps = found["steps"].as_array().unwrap();
    let loads: Vec<_> = steps.iter().map(|step| (step["users"].as_u64(), step["rate"].as_f64())).collect();
    assert_eq!(loads, [(Some(4), Some(4.0)), (Some(8), Some(8.0)), (Some(16), Some(16.0))]);
}

#[tokio::test]
async fn a_search_in_which_nothing_holds_exits_99() {
    let table = "[capacity]\nraise = \"rate\"\nfrom = 50\nto = 100\n";
    let (code, told, found) = search(breaks_above_20(), table).await;
    assert_eq!(code, Some(99), "{told}");
    assert_eq!((found["last_good"].is_null(), found["steps"].as_array().unwrap().len()), (true, 1));
}

#[tokio::test]
async fn a_scenario_that_says_nothing_of_capacity_is_refused_by_the_key() {
    let (code, told, _) = search(Habits::default(), "").await;
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("capacity: "), "{told}");
}
