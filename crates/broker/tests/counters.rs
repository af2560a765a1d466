//! What Redis alone can do to counters and buckets: lose them, lose a part, be asked too much.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::sync::Arc;
use std::time::Duration;

use broker::redis::{RedisNode, RedisOptions};
use domain::ports::{Presence, Rate, Tally};
use domain::words::{Author, ConnectionId, NodeId, UserId};
use testkit::Redis;
use tokio::time::timeout;

const WAIT: Duration = Duration::from_secs(30);
const SHARDS: u16 = 16;

async fn connect(redis: &Redis) -> Arc<RedisNode> {
    let options = RedisOptions { url: redis.url(), shards: SHARDS, virgin: true, ..RedisOptions::default() };
    let node = RedisNode::connect(options, NodeId::boot("counting")).await.unwrap();
    node.renew().await.unwrap();
    node
}

fn author(number: usize) -> Author {
    Author { user: UserId::text(&format!("u{number}")).unwrap(), name: None }
}

async fn admit(node: &RedisNode, number: usize) -> ConnectionId {
    let connection = ConnectionId::new();
    node.admit(&author(number), connection, 0, false).await.unwrap();
    connection
}

async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = timeout(WAIT, async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    looking.await.expect("it happens in time")
}

fn counted(connections: u64, users: u64) -> Tally {
    Tally { connections, users, nodes: 1 }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_counts_from_nothing_and_never_below() {
    let redis = Redis::start().await;
    let node = connect(&redis).await;
    let lost = [admit(&node, 1).await, admit(&node, 1).await, admit(&node, 2).await];
    assert_eq!(node.tally().await.unwrap(), counted(3, 2));
    redis.command(&["FLUSHALL"]).await;
    assert_eq!(node.tally().await.unwrap(), Tally::default());
    // Who had a slot gives it back, or takes it again.
    assert!(!node.release(&author(1).user, lost[0], Duration::ZERO).await.unwrap());
    assert_eq!(node.tally().await.unwrap().connections, 0);
    for _ in 0..2 {
        node.admit(&author(1), lost[1], 0, false).await.unwrap();
    }
    node.renew().await.unwrap();
    assert_eq!(node.tally().await.unwrap(), counted(1, 1));
    assert!(node.release(&author(1).user, lost[1], Duration::ZERO).await.unwrap());
    assert_eq!(node.tally().await.unwrap(), counted(0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_killed_redis_remembers_its_counters_remember_the_same() {
    let mut redis = Redis::start().await;
    let node = connect(&redis).await;
    let users: Vec<UserId> = (0..100).map(|number| author(number).user).collect();
    for number in 0..300 {
        let connection = admit(&node, number % 100).await;
        if number % 7 == 0 {
            node.release(&users[number % 100], connection, Duration::ZERO).await.unwrap();
        }
    }
    redis.kill9().await;
    redis.restart().await;
    node_is_back(&node).await;
    let there = node.connections_of(&users).await.unwrap();
    let expected =
        (there.iter().sum::<u64>(), there.iter().filter(|connections| **connections > 0).count() as u64);
    let tally = node.tally().await.unwrap();
    assert_eq!((tally.connections, tally.users), expected);
}

async fn node_is_back(node: &RedisNode) {
    until(async || node.renew().await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tally_costs_the_same_however_many_there_are() {
    let redis = Redis::start().await;
    let node = connect(&redis).await;
    let mut costs = Vec::new();
    for crowd in [1..4, 4..600] {
        for number in crowd {
            admit(&node, number).await;
        }
        node.tally().await.unwrap();
        redis.command(&["CONFIG", "RESETSTAT"]).await;
        node.tally().await.unwrap();
        costs.push(cost(&redis.command(&["INFO", "commandstats"]).await));
    }
    let shards = usize::from(SHARDS);
    let expected = [("evalsha", shards), ("get", shards), ("zcard", shards), ("zcount", shards)];
    let expected: Vec<_> = expected.map(|(name, calls)| (name.to_owned(), calls)).into();
    assert_eq!(costs, [expected.clone(), expected]);
}

/// How often each command was called that says something about users, connections or nodes.
fn cost(stats: &str) -> Vec<(String, usize)> {
    let beside = ["config", "info", "spublish", "time", "ping", "client"];
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let name = name.split('|').next()?;
        let calls = rest.split(',').next()?.parse().ok()?;
        (!beside.contains(&name)).then(|| (name.to_owned(), calls))
    });
    let mut calls: Vec<_> = calls.collect();
    calls.sort();
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_name_is_lost_is_counted_and_not_shown() {
    let redis = Redis::start().await;
    let node = connect(&redis).await;
    for number in 0..3 {
        admit(&node, number).await;
    }
    for shard in 0..SHARDS {
        redis.command(&["HDEL", &format!("hubbub:{{s{shard:02}}}:online"), "u1"]).await;
    }
    let attendance = node.attendance(9).await.unwrap();
    let shown: Vec<Author> = attendance.users.into_iter().map(|user| user.who).collect();
    assert_eq!((shown, attendance.tally), (vec![author(2), author(0)], counted(3, 3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_bucket_leaves_nothing_behind() {
    const RATE: Rate = Rate { per_second: 100, burst: 50 };
    let redis = Redis::start().await;
    let node = connect(&redis).await;
    let buckets = async || redis.command(&["KEYS", "*:budget:*"]).await.lines().count();
    for number in 0..20 {
        assert_eq!(node.spend(&author(number).user, 50, RATE).await.unwrap(), None);
    }
    until(async || (buckets().await == 0).then_some(())).await;
    assert_eq!(node.spend(&author(0).user, 50, RATE).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_locks_nobody_out() {
    const RATE: Rate = Rate { per_second: 10, burst: 20 };
    let redis = Redis::start().await;
    let node = connect(&redis).await;
    let user = author(1).user;
    assert_eq!(node.spend(&user, 1, RATE).await.unwrap(), None);
    let keys = redis.command(&["KEYS", "*:budget:*"]).await;
    let key = keys.lines().next().unwrap().trim().trim_matches('"').to_owned();
    // A year ahead.
    let ahead = redis.command(&["GET", &key]).await.trim().parse::<u64>().unwrap() + 31_536_000_000_000;
    redis.command(&["SET", &key, &ahead.to_string()]).await;
    let wait = node.spend(&user, 20, RATE).await.unwrap().unwrap();
    assert_eq!(wait, Duration::from_secs(2), "it is empty at worst");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_arrivals_costs_few_calls_and_loses_nobody() {
    const USERS: usize = 1000;
    let redis = Redis::start().await;
    let node = connect(&redis).await;
    redis.command(&["CONFIG", "RESETSTAT"]).await;
    futures::future::join_all((0..USERS).map(|number| admit(&node, number))).await;
    let told = redis.command(&["INFO", "commandstats"]).await;
    assert_eq!(node.tally().await.unwrap(), counted(USERS as u64, USERS as u64));
    let line = told.lines().find_map(|line| line.trim().strip_prefix("cmdstat_evalsha:calls=")).unwrap();
    let calls: usize = line.split(',').next().unwrap().parse().unwrap();
    assert!(calls < USERS / 2, "{calls}");
}
