//! The judge over Socket.IO: the same breaches are caught as on raw sockets, acknowledgements are judged too, and of a
//! peer that numbers nothing loss and repeats are still told.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::time::Duration;

use fake::{Fake, Habits, SECRET};
use swarm::{Counters, Language, Options, Report, Scenario, SwarmError, Verdict};

/// Two rooms of two members each.
fn scenario(fake: &Fake) -> Scenario {
    Scenario { dialect: Language::SocketIo, rooms_per_user: 1, ..fake.scenario() }
}

async fn run_against(habits: Habits) -> Report {
    let fake = Fake::start(habits).await;
    fake.run_scenario(scenario(&fake)).await
}

async fn run_peer(habits: Habits) -> Report {
    let fake = Fake::start(Habits { numbers_nothing: true, ..habits }).await;
    fake.run_scenario(Scenario { peer: true, ..scenario(&fake) }).await
}

fn assert_passed(report: &Report) {
    assert_eq!(report.verdict, Verdict::Passed, "{report}");
    let Counters { lost, repeated, disordered, gaps, unacknowledged, .. } = report.counters;
    assert_eq!([lost, repeated, disordered, gaps, unacknowledged], [0; 5], "{report}");
    assert_eq!(report.counters.acknowledged, report.intended, "{report}");
    assert_eq!(report.counters.delivered, report.intended * 2, "everyone hears everything once: {report}");
}

#[tokio::test]
async fn a_faultless_server_passes_and_everything_is_counted() {
    let report = run_against(Habits::default()).await;
    assert_passed(&report);
    assert!((90..=110).contains(&report.intended), "{report}");
    assert!(report.errors.is_empty(), "{report}");
    assert_eq!(report.latency.count, report.counters.delivered);
}

#[tokio::test]
async fn what_a_member_hears_wrong_is_told_apart() {
    let misdeeds: [(Habits, [u64; 4]); 4] = [
        (Habits { drops: Some(7), ..Habits::default() }, [1, 1, 0, 0]),
        (Habits { repeats: Some(7), ..Habits::default() }, [0, 0, 1, 0]),
        (Habits { swaps: Some(7), ..Habits::default() }, [1, 0, 0, 1]),
        (Habits { contradicts: Some(7), ..Habits::default() }, [0, 0, 0, 1]),
    ];
    for (habits, wanted) in misdeeds {
        let report = run_against(habits.clone()).await;
        let Counters { gaps, lost, repeated, disordered, .. } = report.counters;
        assert_eq!([gaps, lost, repeated, disordered], wanted, "{habits:?}: {report}");
        assert_eq!(report.verdict, Verdict::Failed);
    }
}

#[tokio::test]
async fn cut_clients_resume_and_nothing_is_missing() {
    for forgets in [false, true] {
        let report =
            run_against(Habits { closes_every: Some((10, 4001)), forgets, ..Habits::default() }).await;
        assert_passed(&report);
        let Counters { reconnects, recovered_true, recovered_false, .. } = report.counters;
        assert!(
            reconnects > 0 && (recovered_true == 0) == forgets && (recovered_false > 0) == forgets,
            "{report}"
        );
    }
}

#[tokio::test]
async fn a_new_epoch_announced_by_resync_is_no_breach() {
    let report = run_against(Habits { new_epoch_at: Some(10), ..Habits::default() }).await;
    assert_passed(&report);
    assert_eq!(report.counters.resyncs, 4, "two members in two rooms: {report}");
}

#[tokio::test]
async fn refused_messages_are_sent_again_until_they_are_accepted() {
    let report = run_against(Habits { refuses_every: Some(5), ..Habits::default() }).await;
    assert_passed(&report);
    assert!(report.errors["overloaded"] > 0 && report.counters.resent > 0, "{report}");
}

#[tokio::test]
async fn an_author_without_an_acknowledgement_repeats_and_the_answer_is_no_breach() {
    let report = run_against(Habits { swallows_ack: Some(7), ..Habits::default() }).await;
    assert_passed(&report);
    assert_eq!(report.counters.resent, 2, "one per room: {report}");
}

#[tokio::test]
async fn a_repeated_client_id_that_becomes_a_second_message_is_caught() {
    let habits = Habits { swallows_ack: Some(7), doubles: true, ..Habits::default() };
    let report = run_against(habits).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(report.counters.repeated > 0, "{report}");
}

#[tokio::test]
async fn an_acknowledgement_of_another_message_or_a_second_one_is_a_breach() {
    let report = run_against(Habits { contradicts_ack: Some(7), ..Habits::default() }).await;
    assert!(report.counters.disordered >= 2, "one per room, or per member: {report}");
    assert_eq!(report.verdict, Verdict::Failed);
    let report = run_against(Habits { doubles_acks: true, ..Habits::default() }).await;
    assert_eq!(report.counters.repeated, report.intended, "{report}");
}

#[tokio::test]
async fn a_client_that_is_disconnected_for_good_stays_away() {
    let fake = Fake::start(Habits { closes_every: Some((20, 4503)), ..Habits::default() }).await;
    let settle = Duration::from_millis(500);
    let report = fake.run_scenario(Scenario { settle, ..scenario(&fake) }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!(report.counters.reconnects, 0, "{report}");
    assert!(report.errors["unwanted"] > 0, "{report}");
}

#[tokio::test]
async fn a_client_that_is_not_let_in_says_why() {
    let fake = Fake::start(Habits::default()).await;
    let refused = Scenario { ramp: Duration::from_millis(500), ..scenario(&fake) };
    match swarm::run(refused, Options { secret: "wrong".into(), ..Options::default() }).await {
        Err(SwarmError::NotJoined { joined: 0, errors, .. }) => assert_eq!(errors["unauthorized"], 4),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_without_client_ids_are_told_by_their_text() {
    let fake = Fake::start(Habits { repeats: Some(7), ..Habits::default() }).await;
    let report = fake.run_scenario(Scenario { client_ids: false, ..scenario(&fake) }).await;
    assert_eq!((report.counters.repeated, report.counters.unacknowledged), (1, 0), "{report}");
    assert_eq!(report.latency.count, report.counters.delivered, "{report}");
}

#[tokio::test]
async fn a_peer_that_numbers_nothing_and_swaps_messages_passes() {
    for habits in [Habits::default(), Habits { swaps: Some(7), ..Habits::default() }] {
        assert_passed(&run_peer(habits).await);
    }
}

#[tokio::test]
async fn what_a_peer_drops_or_repeats_is_told() {
    let report = run_peer(Habits { drops: Some(7), ..Habits::default() }).await;
    assert_eq!((report.verdict, report.counters.lost), (Verdict::Failed, 1), "{report}");
    let report = run_peer(Habits { repeats: Some(7), ..Habits::default() }).await;
    assert_eq!((report.verdict, report.counters.repeated), (Verdict::Failed, 1), "{report}");
}

#[tokio::test]
async fn a_peer_has_no_database_to_compare() {
    let scenario = Scenario { peer: true, dialect: Language::SocketIo, ..Scenario::default() };
    let options =
        Options { secret: SECRET.into(), database: Some("sqlite://x".into()), ..Options::default() };
    let error = swarm::run(scenario, options).await.unwrap_err().to_string();
    assert!(error.starts_with("peer"), "{error}");
}
