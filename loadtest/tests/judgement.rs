//! The judge against a server that misbehaves in one way at a time: each breach is caught, and what is legal is not
//! called a breach.

mod fake;

use std::time::Duration;

use fake::{Fake, Habits, SECRET};
use swarm::{Control, Counters, Options, Report, Scenario, SwarmError, Verdict};

async fn run_against(habits: Habits) -> Report {
    Fake::start(habits).await.run().await
}

fn assert_passed(report: &Report) {
    assert_eq!(report.verdict, Verdict::Passed, "{report}");
    let Counters { lost, repeated, disordered, gaps, unacknowledged, .. } = report.counters;
    assert_eq!([lost, repeated, disordered, gaps, unacknowledged], [0; 5], "{report}");
    assert_eq!(report.counters.acknowledged, report.intended, "{report}");
    assert_eq!(report.counters.delivered, report.intended * 4, "everyone hears everything once: {report}");
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
async fn a_run_without_a_duration_goes_on_until_it_is_told_to_finish() {
    let fake = Fake::start(Habits::default()).await;
    let control = Control::new();
    let options = Options { secret: SECRET.into(), control: control.clone(), ..Options::default() };
    let run = swarm::run(Scenario { duration: Duration::ZERO, ..fake.scenario() }, options);
    let outside = async {
        control.sending().await;
        control.until(|counters| counters.delivered > 500).await;
        control.finish();
    };
    let (report, ()) = tokio::join!(run, outside);
    let report = report.unwrap();
    assert_passed(&report);
    assert!(report.counters.delivered > 500);
}

#[tokio::test]
async fn a_dropped_message_is_a_gap_and_lost() {
    let report = run_against(Habits { drops: Some(7), ..Habits::default() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!((report.counters.gaps, report.counters.lost), (2, 2), "one per room: {report}");
}

#[tokio::test]
async fn a_message_told_twice_is_a_repeat() {
    let report = run_against(Habits { repeats: Some(7), ..Habits::default() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!((report.counters.repeated, report.counters.lost), (2, 0), "{report}");
}

#[tokio::test]
async fn swapped_messages_are_out_of_order() {
    let report = run_against(Habits { swaps: Some(7), ..Habits::default() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!((report.counters.disordered, report.counters.lost), (2, 0), "{report}");
}

#[tokio::test]
async fn members_that_hear_different_messages_at_one_position_are_noticed() {
    let report = run_against(Habits { contradicts: Some(7), ..Habits::default() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(report.counters.disordered >= 2, "{report}");
}

#[tokio::test]
async fn clients_survive_closes_and_resume_without_loss() {
    for replays_as_frames in [false, true] {
        let habits = Habits { closes_every: Some((10, 4001)), replays_as_frames, ..Habits::default() };
        let report = run_against(habits).await;
        assert_passed(&report);
        assert!(report.counters.reconnects > 0 && report.counters.recovered_true > 0, "{report}");
        assert!(report.errors.contains_key("close 4001"), "{report}");
    }
}

#[tokio::test]
async fn what_a_server_cannot_replay_is_read_from_the_history() {
    let habits = Habits { closes_every: Some((10, 1012)), forgets: true, ..Habits::default() };
    let report = run_against(habits).await;
    assert_passed(&report);
    assert!(report.counters.recovered_false > 0 && report.counters.recovered > 0, "{report}");
}

#[tokio::test]
async fn a_replay_that_is_called_complete_and_is_not_is_a_gap() {
    let habits = Habits { closes_every: Some((10, 4001)), lies: true, ..Habits::default() };
    let report = run_against(habits).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(report.counters.gaps > 0 && report.counters.lost > 0, "{report}");
}

#[tokio::test]
async fn refused_messages_are_sent_again_until_they_are_accepted() {
    let report = run_against(Habits { refuses_every: Some(5), ..Habits::default() }).await;
    assert_passed(&report);
    assert!(report.errors["overloaded"] > 0 && report.counters.resent > 0, "{report}");
}

#[tokio::test]
async fn an_author_that_hears_nothing_repeats_and_the_answer_is_no_breach() {
    // The author misses its own message live, so the next one has a gap before it; but it is acknowledged by the
    // answer to the repeat, and nobody else notices anything.
    let report = run_against(Habits { swallows: Some(7), ..Habits::default() }).await;
    assert!(report.counters.repeat_answers >= 2, "{report}");
    assert_eq!(report.counters.unacknowledged, 0, "{report}");
    assert_eq!(report.counters.repeated, 0, "{report}");
    assert_eq!((report.counters.gaps, report.counters.lost), (2, 2), "{report}");
}

#[tokio::test]
async fn a_repeated_client_id_that_becomes_a_second_message_is_caught() {
    let habits =
        Habits { closes_every: Some((10, 4001)), swallows: Some(7), doubles: true, ..Habits::default() };
    let report = run_against(habits).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(report.counters.repeated > 0, "{report}");
}

#[tokio::test]
async fn a_new_epoch_announced_by_resync_is_no_breach() {
    let report = run_against(Habits { new_epoch_at: Some(10), ..Habits::default() }).await;
    assert_passed(&report);
    assert_eq!(report.counters.resyncs, 8, "four members in two rooms: {report}");
}

#[tokio::test]
async fn a_new_epoch_met_on_the_way_back_is_no_breach() {
    let habits = Habits { new_epoch_at: Some(10), closes_every: Some((7, 4001)), ..Habits::default() };
    assert_passed(&run_against(habits).await);
}

#[tokio::test]
async fn a_client_that_is_told_to_stay_away_stays_away() {
    let fake = Fake::start(Habits { closes_every: Some((20, 4503)), ..Habits::default() }).await;
    let settle = Duration::from_millis(500);
    let report = fake.run_scenario(Scenario { settle, ..fake.scenario() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!(report.counters.reconnects, 0, "{report}");
    assert!(report.counters.unacknowledged > 0, "{report}");
}

#[tokio::test]
async fn a_wrong_secret_and_an_absent_server_are_reported_by_code() {
    let fake = Fake::start(Habits::default()).await;
    let ramp = Duration::from_millis(500);
    let absent = Scenario { targets: vec!["127.0.0.1:1".into()], ramp, ..Scenario::default() };
    let refused = Scenario { ramp, ..fake.scenario() };
    for (scenario, secret, code) in [(absent, SECRET, "connect"), (refused, "wrong", "close 1008")] {
        let options = Options { secret: secret.into(), ..Options::default() };
        match swarm::run(scenario, options).await {
            Err(SwarmError::NotJoined { joined: 0, errors, .. }) => {
                assert!(errors.contains_key(code), "{errors:?}")
            }
            other => panic!("{other:?}"),
        }
    }
}
