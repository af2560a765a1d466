//! What a run leaves behind: the seconds, the servers beside it, JSON that can be read again, and a page that needs
//! nothing else.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::time::Duration;

use fake::{Fake, Habits, SECRET};
use swarm::{Mark, MetricsEndpoint, NodeSeries, Options, Report, Scenario, ServerProcess, Verdict};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::Command,
    task::JoinHandle,
};

/// Long enough for two whole seconds.
async fn run_for_a_while(options: Options) -> Report {
    let fake = Fake::start(Habits::default()).await;
    let scenario = Scenario { duration: Duration::from_millis(2_500), ..fake.scenario() };
    swarm::run(scenario, Options { secret: SECRET.into(), ..options }).await.unwrap()
}

/// A server that answers every request with these metrics.
async fn metrics(text: &'static str) -> (MetricsEndpoint, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let length = text.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{text}");
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (MetricsEndpoint { name: "gateway".into(), url }, serving)
}

fn node<'a>(report: &'a Report, name: &str) -> Option<&'a NodeSeries> {
    report.nodes.iter().find(|node| node.name == name)
}

#[tokio::test]
async fn every_second_is_in_the_report_with_its_rates_and_latency() {
    let report = run_for_a_while(Options::default()).await;
    assert!(report.series.len() >= 2, "{report}");
    let busiest = report.series.iter().map(|moment| moment.delivered).fold(0.0, f64::max);
    assert!((300.0..=1_300.0).contains(&busiest), "800 a second were due: {busiest}");
    assert!(report.series.iter().any(|moment| moment.p99.is_some() && moment.connections == 4), "{report}");
    assert_eq!(report.connections_at_end, 4);
    assert_eq!(report.generators.len(), 1);
    assert!(report.curve.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{:?}", report.curve);
}

/// Keeps the one thread of a test busy four fifths of the time.
async fn hog() {
    let mut turns = tokio::time::interval(Duration::from_millis(100));
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(80) {
            std::hint::spin_loop();
        }
    }
}

#[tokio::test]
async fn a_generator_that_stalls_says_so_and_fails_only_if_that_was_asked() {
    let (fake, hog) = (Fake::start(Habits::default()).await, tokio::spawn(hog()));
    let mut scenario = Scenario { duration: Duration::from_millis(1_500), rate: 20.0, ..fake.scenario() };
    for (must_be_trustworthy, verdict) in [(false, Verdict::Passed), (true, Verdict::Failed)] {
        scenario.thresholds.trustworthy = must_be_trustworthy;
        let report = fake.run_scenario(scenario.clone()).await;
        assert!(
            !report.trustworthy && report.reasons.iter().any(|why| why.contains("event loop")),
            "{report}"
        );
        assert_eq!(report.verdict, verdict, "{report}");
        let second_line = report.to_string().lines().nth(1).map(str::to_owned);
        assert!(second_line.is_some_and(|line| line.contains("NOT TRUSTWORTHY")), "{report}");
    }
    hog.abort();
}

#[tokio::test]
async fn servers_are_watched_by_their_metrics_and_their_process_under_one_name() {
    let (endpoint, serving) =
        metrics("hubbub_connections{door=\"rooms\"} 3\nhubbub_connections{door=\"hub\"} 4\n").await;
    let process = |role: &str| ServerProcess { role: role.into(), pid: std::process::id() };
    let options = Options {
        metrics: vec![endpoint],
        processes: vec![process("gateway"), process("redis")],
        ..Options::default()
    };
    let report = run_for_a_while(options).await;
    serving.abort();
    let gateway = node(&report, "gateway").unwrap();
    assert!(gateway.points.iter().any(|point| point.connections == Some(7.0)), "{gateway:?}");
    assert!(gateway.points.iter().any(|point| point.cores.is_some_and(|cores| cores > 0.0)), "{gateway:?}");
    assert!(node(&report, "redis").unwrap().points.iter().all(|point| point.rss_kib > Some(0.0)));
}

#[tokio::test]
async fn a_server_that_tells_nothing_does_no_harm() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", silent.local_addr().unwrap());
    let options =
        Options { metrics: vec![MetricsEndpoint { name: "silent".into(), url }], ..Options::default() };
    let report = run_for_a_while(options).await;
    assert_eq!(report.counters.acknowledged, report.intended, "{report}");
    assert_eq!(node(&report, "silent"), None);
}

#[tokio::test]
async fn a_report_can_be_read_again_and_an_unknown_shape_is_refused() {
    let report = run_for_a_while(Options::default()).await;
    let text = serde_json::to_string(&report).unwrap();
    let again = Report::from_json(&text).unwrap();
    assert_eq!(again.to_string(), report.to_string());
    assert_eq!((again.counters.clone(), again.series.len()), (report.counters.clone(), report.series.len()));
    let old = text.replacen("\"schema\":2", "\"schema\":1", 1);
    assert!(Report::from_json(&old).unwrap_err().contains("shape 1"));
}

#[tokio::test]
async fn the_page_loads_nothing_and_no_name_in_it_becomes_markup() {
    let hostile = "</script><img src=//e.x onerror=alert(1)>";
    let mut report = run_for_a_while(Options::default()).await;
    report.scenario = hostile.into();
    report.marks.push(Mark { at: 1.0, kind: "fault".into(), label: hostile.into() });
    report.errors.insert(hostile.into(), 1);
    report.findings.push(hostile.into());
    report.nodes.push(NodeSeries { name: hostile.into(), points: Vec::new() });
    let page = swarm::page(&report);
    assert!(!page.contains("<img") && !page.contains(hostile), "{page}");
    for loads in [
        "http:", "https:", "//cdn", "src=\"", "href=", "url(", "@import", "import(", "fetch(", "<link",
        "<iframe",
    ] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(page.contains("default-src 'none'"), "the page's own policy forbids it too");
    assert_eq!(page.matches("</script>").count(), 2, "the figures and the script");
}

#[tokio::test]
async fn a_run_writes_its_page_and_a_kept_report_is_shown_again() {
    let fake = Fake::start(Habits { drops: Some(3), ..Habits::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("s.toml"), "users = 4\nrate = 100\nduration = \"300ms\"\nsettle = \"1s\"\n").unwrap();
    let swarm = env!("CARGO_BIN_EXE_swarm");
    let (scenario, json, html, again) = (path("s.toml"), path("r.json"), path("r.html"), path("again.html"));
    let run = [
        "run",
        &scenario,
        "--secret",
        SECRET,
        "--target",
        &fake.targets[0],
        "--json",
        &json,
        "--html",
        &html,
    ];
    let ran = Command::new(swarm).args(run).output().await.unwrap();
    assert_eq!(ran.status.code(), Some(99), "{}", String::from_utf8_lossy(&ran.stderr));
    let shown = Command::new(swarm).args(["report", &json, "--html", &again]).output().await.unwrap();
    assert_eq!(shown.status.code(), Some(0), "showing a failed run is no failure");
    assert_eq!(shown.stdout, ran.stdout);
    for page in [html, again] {
        let page = std::fs::read_to_string(page).unwrap();
        assert!(
            page.starts_with("<!doctype html>")
                && page.contains("FAILED")
                && page.contains("class=\"broken\"")
        );
    }
}
