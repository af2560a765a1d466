//! Runs beside one another, as people call it: exit codes, sides of several runs, baselines.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::{fs, path::Path, process::Output};

use fake::{Fake, Habits, SECRET};
use swarm::{Percentiles, Report};
use tempfile::TempDir;
use tokio::process::Command;

async fn swarm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarm")).args(arguments).output().await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Files in a folder that goes away with the test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().into()
    }

    /// A report with this p99 and these deliveries per second; its other percentiles are always the same.
    fn report(&self, name: &str, p99: f64, delivered: f64) -> String {
        let latency = Percentiles { p50: 1.0, p90: 2.0, p99, p999: 9.0, ..Percentiles::default() };
        self.write(name, &latency, delivered)
    }

    fn write(&self, name: &str, latency: &Percentiles, delivered: f64) -> String {
        let report = Report {
            schema: 2,
            trustworthy: true,
            scenario: "made up".into(),
            latency: Percentiles { count: 100_000, ..latency.clone() },
            delivered_per_second: delivered,
            ..Report::default()
        };
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(&path, serde_json::to_string(&report).unwrap()).unwrap();
        path
    }
}

#[tokio::test]
async fn what_got_worse_by_more_than_the_tolerance_is_named_and_exits_99() {
    let files = Files::new();
    let (old, new) = (files.report("old.json", 4.0, 5_000.0), files.report("new.json", 5.0, 5_100.0));
    let strict = swarm(&["compare", &old, &new]).await;
    assert_eq!(strict.status.code(), Some(99), "{}", text(&strict));
    assert!(text(&strict).contains("WORSE by more than 10 %: latency p99 of new"), "{}", text(&strict));
    let patient = swarm(&["compare", &old, &new, "--tolerance", "0.3"]).await;
    assert_eq!(patient.status.code(), Some(0), "{}", text(&patient));
    assert!(text(&patient).contains("1.25×"), "{}", text(&patient));
    let backwards = swarm(&["compare", &new, &old]).await;
    assert_eq!(backwards.status.code(), Some(0), "faster is no failure: {}", text(&backwards));
}

#[tokio::test]
async fn a_side_may_be_a_folder_or_several_files_and_shows_its_spread() {
    let files = Files::new();
    for (name, p99) in [("before/1.json", 4.0), ("before/2.json", 40.0), ("before/3.json", 4.4)] {
        files.report(name, p99, 5_000.0);
    }
    let after = [files.report("a.json", 4.5, 5_000.0), files.report("b.json", 4.7, 5_000.0)].join(",");
    let third = files.report("c.json", 4.4, 2_000.0);
    let output = swarm(&["compare", &files.path("before"), &after, &third]).await;
    let table = text(&output);
    assert!(table.contains("4.40 ms (4.00 to 40.0)"), "the median, and the spread: {table}");
    assert!(table.contains("4.60 ms (4.50 to 4.70)"), "{table}");
    assert!(table.contains("WORSE by more than 10 %: delivered of c"), "{table}");
    assert_eq!(output.status.code(), Some(99));
}

#[tokio::test]
async fn what_cannot_be_compared_is_an_error_and_no_verdict() {
    let files = Files::new();
    let good = files.report("good.json", 4.0, 1.0);
    fs::write(files.path("bad.json"), "{\"schema\": 1}").unwrap();
    fs::create_dir(files.path("empty")).unwrap();
    for bad in ["bad.json", "absent.json", "empty"] {
        let output = swarm(&["compare", &good, &files.path(bad)]).await;
        assert_eq!(output.status.code(), Some(1), "{bad}: {}", text(&output));
        assert!(text(&output).contains(bad), "{}", text(&output));
    }
    for wrong in [vec!["compare", &good], vec!["compare", &good, &good, "--tolerance", "much"]] {
        assert_eq!(swarm(&wrong).await.status.code(), Some(2));
    }
}

#[tokio::test]
async fn a_baseline_is_kept_small_replaced_as_a_whole_and_listed() {
    let files = Files::new();
    let folder = files.path("baselines");
    let runs = [4.0, 5.0, 6.0].map(|p99| files.report(&format!("{p99}.json"), p99, 100.0));
    let save = ["baseline", "save", "smoke", &runs[0], &runs[1], &runs[2], "--baselines", &folder];
    assert_eq!(swarm(&save).await.status.code(), Some(0));
    let fewer = ["baseline", "save", "smoke", &runs[0], "--baselines", &folder];
    assert_eq!(swarm(&fewer).await.status.code(), Some(0));
    assert_eq!(fs::read_dir(Path::new(&folder).join("smoke")).unwrap().count(), 1);
    let list = swarm(&["baseline", "list", "--baselines", &folder]).await;
    assert_eq!(text(&list), "smoke\n");
    let outside = swarm(&["baseline", "save", "../x", &runs[0], "--baselines", &folder]).await;
    assert_eq!(outside.status.code(), Some(2), "{}", text(&outside));
}

async fn run_against(fake: &Fake, files: &Files, baseline: &str) -> Output {
    let scenario = files.path("small.toml");
    fs::write(&scenario, "users = 4\nrate = 100\nduration = \"300ms\"\nsettle = \"2s\"\n").unwrap();
    let folder = files.path("baselines");
    let what = ["run", &scenario, "--secret", SECRET, "--target", &fake.targets[0]];
    let held = ["--baselines", &folder, "--baseline", baseline, "--tolerance", "900%"];
    swarm(&[what.as_slice(), held.as_slice()].concat()).await
}

#[tokio::test]
async fn a_run_is_held_against_its_baseline_and_an_absent_one_is_noticed_before_the_run() {
    let (fake, files) = (Fake::start(Habits::default()).await, Files::new());
    let folder = files.path("baselines");
    for (name, millis) in [("kept", 5_000.0), ("faster", 0.000_1)] {
        let latency =
            Percentiles { p50: millis, p90: millis, p99: millis, p999: millis, ..Percentiles::default() };
        let run = files.write("run.json", &latency, 1.0);
        swarm(&["baseline", "save", name, &run, "--baselines", &folder]).await;
    }
    let kept = run_against(&fake, &files, "kept").await;
    assert_eq!(kept.status.code(), Some(0), "{}", text(&kept));
    assert!(text(&kept).contains("this run"), "{}", text(&kept));
    let slower = run_against(&fake, &files, "faster").await;
    assert_eq!(slower.status.code(), Some(99), "{}", text(&slower));
    assert!(text(&slower).contains("latency p99 of this run"), "{}", text(&slower));
    let absent = run_against(&fake, &files, "absent").await;
    assert_eq!(absent.status.code(), Some(1));
    assert!(!text(&absent).contains("PASSED"), "it never ran: {}", text(&absent));
}
