//! The whole program, broken on purpose under load: nothing acknowledged is lost, repeated or out of order.

mod support;

use std::time::Duration;

use support::{Deployment, SECRET, get, pause};
use swarm::{Control, Counters, Options, Scenario, Verdict};
use testkit::Process;

/// Receipts that must follow a fault before the next one: about four seconds of the load.
const UNDISTURBED: u64 = 4_000;
/// How long Postgres stays away.
const OUTAGE: Duration = Duration::from_secs(60);

fn load(deployment: &Deployment) -> Scenario {
    Scenario {
        name: "faults".into(),
        targets: deployment.targets(),
        users: 100,
        rooms: 50,
        rooms_per_user: 1,
        rate: 500.0,
        duration: Duration::ZERO,
        settle: Duration::from_secs(60),
        persistence: Duration::from_secs(60),
        ..Scenario::default()
    }
}

/// Waits until the load has run undisturbed for a while.
async fn calm(control: &Control) {
    let start = control.counters().delivered;
    let enough = |counters: &Counters| counters.delivered >= start + UNDISTURBED;
    let waited = tokio::time::timeout(Duration::from_secs(90), control.until(enough)).await;
    assert!(waited.is_ok(), "the load does not flow: {:?} {:?}", control.counters(), control.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_under_load_no_acknowledged_message_is_lost_repeated_or_out_of_order() {
    let mut deployment = Deployment::start(2, 2, &[]).await;
    let control = Control::new();
    let options = Options {
        secret: SECRET.into(),
        database: Some(deployment.database.clone()),
        progress: true,
        control: control.clone(),
        ..Options::default()
    };
    let run = tokio::spawn(swarm::run(load(&deployment), options));
    control.sending().await;
    calm(&control).await;

    eprintln!("== kill -9 of a gateway");
    deployment.replace_gateway(0).await;
    calm(&control).await;

    eprintln!("== kill -9 of a persister");
    deployment.replace_persister(0).await;
    calm(&control).await;

    eprintln!("== kill -9 of Redis");
    deployment.redis.kill9().await;
    deployment.redis.restart().await;
    calm(&control).await;

    eprintln!("== Postgres away for {OUTAGE:?}");
    deployment.postgres.stop().await;
    let before = control.counters().acknowledged;
    tokio::time::sleep(OUTAGE).await;
    let during = control.counters().acknowledged - before;
    assert!(during > 20_000, "chat goes on without Postgres: {during} acknowledged in {OUTAGE:?}");
    deployment.postgres.start_again().await;
    calm(&control).await;

    control.finish();
    let report = run.await.expect("the swarm does not panic").expect("the swarm runs to its end");
    println!("{report}");
    assert_eq!(report.verdict, Verdict::Passed, "{:?} {:?}", report.failures, report.findings);
    assert!(report.database_audited);
    assert!(report.counters.reconnects > 0, "a killed gateway cuts its clients");
    assert!(report.counters.resyncs > 0, "a killed Redis begins a new epoch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_drains_sends_its_clients_away_and_ends_with_code_0() {
    let mut deployment = Deployment::start(2, 1, &[("HUBBUB_SERVER__DRAIN", "5s")]).await;
    let control = Control::new();
    let options = Options {
        secret: SECRET.into(),
        database: Some(deployment.database.clone()),
        control: control.clone(),
        ..Options::default()
    };
    let run = tokio::spawn(swarm::run(Scenario { rate: 200.0, ..load(&deployment) }, options));
    control.sending().await;
    calm(&control).await;
    let gateway = &mut deployment.gateways[0];
    gateway.process.terminate();
    assert_eq!(gateway.process.wait(Duration::from_secs(10)).await, 0, "{}", gateway.process.output());
    calm(&control).await;
    control.finish();
    let report = run.await.expect("the swarm does not panic").expect("the swarm runs to its end");
    assert_eq!(report.verdict, Verdict::Passed, "{:?} {:?}", report.failures, report.findings);
    assert!(report.counters.cuts > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_redis_ends_with_code_69_and_names_the_address() {
    let mut deployment = Deployment::start(0, 0, &[]).await;
    deployment.redis.kill9().await;
    let mut gateway = deployment.program("gateway", &[("HUBBUB_SERVER__LISTEN", "127.0.0.1:0".into())]);
    assert_eq!(gateway.wait(Duration::from_secs(20)).await, 69, "{}", gateway.output());
    let address = format!("127.0.0.1:{}", deployment.redis.port());
    assert!(gateway.output().contains(&address), "{}", gateway.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_redis_down_and_up_again() {
    let mut deployment = Deployment::start(1, 0, &[]).await;
    let admin = deployment.gateways[0].admin;
    deployment.redis.kill9().await;
    until(admin, "HTTP/1.1 503").await;
    assert!(get(admin, "/healthz").await.starts_with("HTTP/1.1 200"), "the process itself is well");
    deployment.redis.restart().await;
    until(admin, "HTTP/1.1 200").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_makes_the_node_unready_and_is_survived() {
    let deployment = Deployment::start(1, 0, &[]).await;
    let admin = deployment.gateways[0].admin;
    deployment.redis.pause();
    until(admin, "HTTP/1.1 503").await;
    deployment.redis.resume();
    until(admin, "HTTP/1.1 200").await;
}

async fn until(admin: u16, status: &str) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !get(admin, "/readyz").await.starts_with(status) {
            pause().await;
        }
    });
    assert!(waited.await.is_ok(), "never {status}: {}", get(admin, "/readyz").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_at_once_is_safe() {
    let deployment = Deployment::start(0, 0, &[]).await;
    let mut both: Vec<Process> = (0..2).map(|_| deployment.program("migrate", &[])).collect();
    for process in &mut both {
        assert_eq!(process.wait(support::PATIENCE).await, 0, "{}", process.output());
    }
}
