//! The program as people call it: exit codes, messages, the JSON file, the scenarios in the box.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::{path::Path, process::Output};

use fake::{Fake, Habits, SECRET};
use tokio::process::Command;

async fn swarm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarm")).args(arguments).output().await.unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const SMALL: &str =
    "name = \"small\"\nusers = 4\nrooms = 1\nrate = 100\nduration = \"300ms\"\nsettle = \"2s\"\n";

async fn run_small(fake: &Fake, more: &[&str]) -> (Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.toml");
    std::fs::write(&file, SMALL).unwrap();
    let json = folder.path().join("report.json");
    let mut arguments = vec!["run", file.to_str().unwrap(), "--secret", SECRET];
    arguments.extend([
        "--json",
        json.to_str().unwrap(),
        "--target",
        &fake.targets[0],
        "--target",
        &fake.targets[1],
    ]);
    arguments.extend(more);
    (swarm(&arguments).await, folder)
}

#[tokio::test]
async fn a_run_that_keeps_its_promises_exits_0_with_the_verdict_first_and_a_json_file() {
    let fake = Fake::start(Habits::default()).await;
    let (output, folder) = run_small(&fake, &[]).await;
    let text = words(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", words(&output.stderr));
    assert!(text.starts_with("PASSED small"), "{text}");
    let json = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["verdict"], "passed");
    assert_eq!(report["acknowledged"], report["intended"]);
}

#[tokio::test]
async fn a_breach_or_a_broken_threshold_exits_99() {
    let lossy = Fake::start(Habits { drops: Some(3), ..Habits::default() }).await;
    let (output, _folder) = run_small(&lossy, &[]).await;
    assert_eq!(output.status.code(), Some(99), "{}", words(&output.stdout));
    let fine = Fake::start(Habits::default()).await;
    let (output, _folder) = run_small(&fine, &["--set", "thresholds.p50=1us"]).await;
    assert_eq!(output.status.code(), Some(99), "{}", words(&output.stdout));
}

#[tokio::test]
async fn a_bad_scenario_exits_2_and_names_the_key() {
    let fake = Fake::start(Habits::default()).await;
    for (bad, key) in [("colour=red", "colour"), ("users=0", "users"), ("duration=soon", "duration")] {
        let (output, _folder) = run_small(&fake, &["--set", bad]).await;
        let text = words(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(key), "{text}");
    }
}

#[tokio::test]
async fn a_run_that_cannot_begin_exits_1() {
    let fake = Fake::start(Habits::default()).await;
    let (output, _folder) = run_small(&fake, &["--database", "sqlite:///no/such/file.db"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", words(&output.stderr));
}

#[tokio::test]
async fn every_scenario_in_the_box_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let output = swarm(&["check", file.to_str().unwrap()]).await;
        assert_eq!(output.status.code(), Some(0), "{}: {}", file.display(), words(&output.stderr));
        checked += 1;
    }
    assert!(checked >= 6);
}

#[tokio::test]
async fn an_idle_run_reports_memory_per_connection() {
    let fake = Fake::start(Habits::default()).await;
    let pid = format!("gateway={}", std::process::id());
    let idle = ["--set", "kind=idle", "--pid", &pid, "--duration", "200ms"];
    let (output, _folder) = run_small(&fake, &idle).await;
    let text = words(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", words(&output.stderr));
    assert!(text.contains("idle connections   4"), "{text}");
}
