//! The judge over the hub: the same breaches are caught as at the other doors, and acknowledgements are judged too.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::time::Duration;

use fake::{Fake, Habits, hub::Hub};
use swarm::{Counters, Language, Report, Scenario, Verdict};

/// Two rooms of two members each; the rooms behind take one room per connection.
async fn run(habits: Habits) -> Report {
    let fake = Fake::start(habits).await;
    let (one, other) = (Hub::start(&fake.targets[0]).await, Hub::start(&fake.targets[1]).await);
    let targets = vec![one.target.clone(), other.target.clone()];
    fake.run_scenario(Scenario {
        dialect: Language::Hub,
        targets,
        rooms_per_user: 1,
        settle: Duration::from_secs(1),
        ..fake.scenario()
    })
    .await
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
    let report = run(Habits::default()).await;
    assert_passed(&report);
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
        let report = run(habits.clone()).await;
        let Counters { gaps, lost, repeated, disordered, .. } = report.counters;
        assert_eq!([gaps, lost, repeated, disordered], wanted, "{habits:?}: {report}");
        assert_eq!(report.verdict, Verdict::Failed);
    }
}

#[tokio::test]
async fn cut_clients_resume_and_nothing_is_missing() {
    let report = run(Habits { closes_every: Some((10, 4001)), ..Habits::default() }).await;
    assert_passed(&report);
    assert!(report.counters.reconnects > 0 && report.counters.recovered_true > 0, "{report}");
}

#[tokio::test]
async fn refused_messages_are_sent_again_until_they_are_accepted() {
    let report = run(Habits { refuses_every: Some(5), ..Habits::default() }).await;
    assert_passed(&report);
    assert!(report.errors["overloaded"] > 0 && report.counters.resent > 0, "{report}");
}

#[tokio::test]
async fn an_author_without_an_acknowledgement_repeats_and_the_answer_is_no_breach() {
    let report = run(Habits { swallows_ack: Some(7), ..Habits::default() }).await;
    assert_passed(&report);
    assert_eq!(report.counters.resent, 2, "one per room: {report}");
}

#[tokio::test]
async fn an_acknowledgement_of_another_message_or_a_second_one_is_a_breach() {
    let report = run(Habits { contradicts_ack: Some(7), ..Habits::default() }).await;
    assert!(report.counters.disordered >= 2, "one per room, or per member: {report}");
    let report = run(Habits { doubles_acks: true, ..Habits::default() }).await;
    assert_eq!(report.counters.repeated, report.intended, "{report}");
}
