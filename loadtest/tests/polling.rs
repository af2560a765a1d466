//! Socket.IO by long-polling and by upgrade: the same is judged as on a WebSocket, and the transport is what it is
//! said to be.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fake::{
    Fake, Habits,
    polling::{Front, Seen, Upgrades},
};
use swarm::{Counters, Language, Report, Scenario, Transport, Verdict};

/// Two rooms of two members each, behind two fronts.
async fn run(habits: Habits, transport: Transport, upgrades: Upgrades) -> (Report, Vec<Front>) {
    let fake = Fake::start(habits).await;
    let mut fronts = Vec::new();
    for behind in &fake.targets {
        fronts.push(Front::start(behind, upgrades).await);
    }
    let targets = fronts.iter().map(|front| front.target.clone()).collect();
    let scenario =
        Scenario { dialect: Language::SocketIo, transport, targets, rooms_per_user: 1, ..fake.scenario() };
    (fake.run_scenario(scenario).await, fronts)
}

fn sum(fronts: &[Front], count: impl Fn(&Seen) -> &AtomicU64) -> u64 {
    fronts.iter().map(|front| count(&front.seen).load(Relaxed)).sum()
}

fn assert_passed(report: &Report) {
    assert_eq!(report.verdict, Verdict::Passed, "{report}");
    let Counters { lost, repeated, disordered, gaps, unacknowledged, .. } = report.counters;
    assert_eq!([lost, repeated, disordered, gaps, unacknowledged], [0; 5], "{report}");
    assert_eq!(report.counters.acknowledged, report.intended, "{report}");
    assert_eq!(report.counters.delivered, report.intended * 2, "everyone hears everything once: {report}");
}

#[tokio::test]
async fn everything_travels_by_polling_on_two_kept_connections_per_client() {
    let (report, fronts) = run(Habits::default(), Transport::Polling, Upgrades::Offered).await;
    assert_passed(&report);
    assert!(report.errors.is_empty(), "{report}");
    assert_eq!(sum(&fronts, |seen| &seen.upgrades), 0);
    assert_eq!(sum(&fronts, |seen| &seen.connections), 8, "a poll and a post for each of four");
    assert!(sum(&fronts, |seen| &seen.polls) > 20 && sum(&fronts, |seen| &seen.posts) > 20);
}

#[tokio::test]
async fn an_upgrade_leaves_polling_behind_and_loses_nothing_on_the_way() {
    let (report, fronts) = run(Habits::default(), Transport::Upgrade, Upgrades::Offered).await;
    assert_passed(&report);
    assert!(report.errors.is_empty(), "{report}");
    assert_eq!(sum(&fronts, |seen| &seen.upgrades), 4);
    assert!(sum(&fronts, |seen| &seen.polls) < 40, "polls end with the upgrade");
}

#[tokio::test]
async fn a_client_whose_upgrade_is_not_offered_or_not_answered_stays_with_polling() {
    for upgrades in [Upgrades::NotOffered, Upgrades::Ignored] {
        let (report, fronts) = run(Habits::default(), Transport::Upgrade, upgrades).await;
        assert_passed(&report);
        assert_eq!(sum(&fronts, |seen| &seen.upgrades), 0);
        assert!(sum(&fronts, |seen| &seen.posts) > 20, "{upgrades:?}");
    }
}

#[tokio::test]
async fn cut_clients_come_back_by_the_same_transport_and_nothing_is_missing() {
    for (transport, upgraded) in [(Transport::Polling, false), (Transport::Upgrade, true)] {
        let habits = Habits { closes_every: Some((10, 4001)), ..Habits::default() };
        let (report, fronts) = run(habits, transport, Upgrades::Offered).await;
        assert_passed(&report);
        assert!(report.counters.reconnects > 0 && report.counters.recovered_true > 0, "{report}");
        assert_eq!(sum(&fronts, |seen| &seen.upgrades) > 4, upgraded, "{report}");
    }
}

#[tokio::test]
async fn packets_that_wait_travel_together_within_what_the_server_takes() {
    let habits = Habits { swallows_ack: Some(3), ..Habits::default() };
    let (report, fronts) = run(habits, Transport::Polling, Upgrades::NotOffered).await;
    assert_passed(&report);
    assert!(sum(&fronts, |seen| &seen.bundles) > 0, "{report}");
}

#[tokio::test]
async fn what_a_member_hears_wrong_is_told_whatever_the_transport() {
    for transport in [Transport::Polling, Transport::Upgrade] {
        for (habits, wanted) in [
            (Habits { drops: Some(7), ..Habits::default() }, [1, 1, 0]),
            (Habits { repeats: Some(7), ..Habits::default() }, [0, 0, 1]),
        ] {
            let (report, _fronts) = run(habits, transport, Upgrades::Offered).await;
            let Counters { gaps, lost, repeated, .. } = report.counters;
            assert_eq!(([gaps, lost, repeated], report.verdict), (wanted, Verdict::Failed), "{report}");
        }
    }
}

#[tokio::test]
async fn who_is_disconnected_for_good_stays_away() {
    let habits = Habits { closes_every: Some((20, 4503)), ..Habits::default() };
    let (report, _fronts) = run(habits, Transport::Polling, Upgrades::Offered).await;
    assert_eq!((report.verdict, report.counters.reconnects), (Verdict::Failed, 0), "{report}");
    assert!(report.errors["unwanted"] > 0, "{report}");
}
