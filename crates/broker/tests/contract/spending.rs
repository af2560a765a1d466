//! Budgets: one bucket per user, whichever node takes from it.

use std::time::Duration;

use domain::ports::Rate;
use domain::words::UserId;
use tokio::time::Instant;

use crate::drafts::user;
use crate::scene::{Kind, Node, until};

async fn spend(node: &Node, id: &str, cost: u32, rate: Rate) -> Option<Duration> {
    node.presence.spend(&user(id), cost, rate).await.expect("answered")
}

/// So slow that nothing comes back while a test runs.
const SLOW: Rate = Rate { per_second: 1, burst: 1000 };

pub(crate) async fn two_nodes_together_never_let_more_through_than_burst_and_rate(kind: Kind) {
    const RATE: Rate = Rate { per_second: 50, burst: 20 };
    const RUN: Duration = Duration::from_secs(1);
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    let start = Instant::now();
    let spenders = (0..8).map(|number| {
        let presence = nodes[number % 2].presence.clone();
        tokio::spawn(async move {
            let mut granted = 0_u32;
            while start.elapsed() < RUN {
                let wait = presence.spend(&user("anna"), 1, RATE).await.expect("answered");
                granted += u32::from(wait.is_none());
            }
            granted
        })
    });
    let mut granted = 0;
    for spender in spenders.collect::<Vec<_>>() {
        granted += spender.await.expect("the spender ends well");
    }
    let most = f64::from(RATE.burst) + f64::from(RATE.per_second) * start.elapsed().as_secs_f64();
    assert!(f64::from(granted) <= most, "{granted} of {most}");
    assert!(granted >= RATE.burst + RATE.per_second / 2, "{granted}: the bucket fills while it is asked");
}

pub(crate) async fn of_many_who_spend_at_once_as_many_as_the_bucket_holds_succeed(kind: Kind) {
    const RATE: Rate = Rate { per_second: 1, burst: 40 };
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    let start = Instant::now();
    let spending = (0..200).map(|number| spend(&nodes[number % 2], "anna", 1, RATE));
    let granted = futures::future::join_all(spending).await.iter().filter(|wait| wait.is_none()).count();
    let most = 40 + usize::try_from(start.elapsed().as_secs()).expect("a short time") + 1;
    assert!((40..=most).contains(&granted), "{granted}");
}

pub(crate) async fn whoever_must_wait_is_told_how_long_and_loses_nothing(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    assert_eq!(spend(&node, "anna", 600, SLOW).await, None);
    for _ in 0..3 {
        let wait = spend(&node, "anna", 600, SLOW).await.expect("the bucket holds 400");
        assert!((100..=200).contains(&wait.as_secs()), "{wait:?}");
    }
    assert_eq!(spend(&node, "anna", 400, SLOW).await, None);
    assert!(spend(&node, "anna", 400, SLOW).await.is_some());
}

pub(crate) async fn the_wait_that_was_told_is_long_enough_and_not_too_long(kind: Kind) {
    const RATE: Rate = Rate { per_second: 4, burst: 2 };
    let node = kind.scene().await.node("a").await;
    assert_eq!(spend(&node, "anna", 2, RATE).await, None);
    let asked = Instant::now();
    let wait = spend(&node, "anna", 1, RATE).await.expect("the bucket is empty");
    assert!(wait <= Duration::from_millis(250), "{wait:?}");
    let mut last = asked;
    until("a token is there", async || {
        last = Instant::now();
        spend(&node, "anna", 1, RATE).await.is_none().then_some(())
    })
    .await;
    // The server's and this process' clocks are the same one, read at different moments and roundings.
    assert!(asked.elapsed() + Duration::from_millis(2) >= wait, "{:?} of {wait:?}", asked.elapsed());
    assert!(
        last.duration_since(asked) <= wait + Duration::from_secs(5),
        "it is there once it was said to be"
    );
}

pub(crate) async fn what_costs_more_than_the_bucket_holds_takes_all_of_it(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    assert_eq!(spend(&node, "anna", u32::MAX, SLOW).await, None);
    assert!(spend(&node, "anna", 1, SLOW).await.is_some());
    let (huge, none) = (Rate { per_second: 1, burst: u32::MAX }, Rate { per_second: 1, burst: 0 });
    assert_eq!(spend(&node, "bert", u32::MAX, huge).await, None);
    assert!(spend(&node, "bert", 1, huge).await.is_some());
    assert_eq!(spend(&node, "carl", 7, none).await, None, "a bucket holds one token at least");
    assert!(spend(&node, "carl", 1, none).await.is_some());
}

pub(crate) async fn a_rate_or_a_cost_of_nothing_is_no_limit(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    for _ in 0..100 {
        assert_eq!(spend(&node, "anna", 9, Rate { per_second: 0, burst: 1 }).await, None);
        assert_eq!(spend(&node, "anna", 0, Rate { per_second: 1, burst: 1 }).await, None);
    }
    assert_eq!(spend(&node, "anna", 1, Rate { per_second: u32::MAX, burst: 1 }).await, None);
}

pub(crate) async fn each_user_has_one_bucket_as_number_and_as_text(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    assert_eq!(spend(&one, "7", 1000, SLOW).await, None);
    let number = UserId::number(7).expect("a legal id");
    assert!(two.presence.spend(&number, 1, SLOW).await.expect("answered").is_some());
    for id in ["a|b", "a", "🦀 \n", "{s00}"] {
        assert_eq!(spend(&two, id, 1000, SLOW).await, None, "{id:?}");
    }
}
