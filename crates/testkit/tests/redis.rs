//! Redis as the tests of other crates use it.

use std::time::Duration;
use testkit::{Redis, RedisCluster};

#[tokio::test]
async fn a_key_survives_kill_9_and_restart() {
    let mut redis = Redis::start().await;
    let (url, pid) = (redis.url(), redis.pid());
    assert_eq!(redis.command(&["SET", "key", "kept"]).await, "OK");
    redis.kill9().await;
    redis.restart().await;
    assert_eq!(redis.command(&["GET", "key"]).await, "kept");
    assert_eq!(redis.url(), url);
    assert_ne!(redis.pid(), pid);
}

#[tokio::test]
async fn a_running_server_restarts_with_its_data() {
    let mut redis = Redis::start().await;
    redis.command(&["SET", "key", "kept"]).await;
    redis.restart().await;
    assert_eq!(redis.command(&["GET", "key"]).await, "kept");
}

#[tokio::test]
async fn a_paused_server_answers_only_when_it_is_resumed() {
    let redis = Redis::start().await;
    redis.pause();
    let words = ["PING"];
    let mut answer = std::pin::pin!(redis.command(&words));
    tokio::time::timeout(Duration::from_millis(300), &mut answer).await.expect_err("it is frozen");
    redis.resume();
    assert_eq!(answer.await, "PONG");
}

#[tokio::test]
async fn the_settings_are_the_product_s() {
    let redis = Redis::start().await;
    assert_eq!(redis.command(&["CONFIG", "GET", "appendonly"]).await, "appendonly\nyes");
    assert_eq!(redis.command(&["CONFIG", "GET", "appendfsync"]).await, "appendfsync\neverysec");
    assert_eq!(redis.command(&["CONFIG", "GET", "save"]).await, "save");
    let limit = redis.command(&["CONFIG", "GET", "client-output-buffer-limit"]).await;
    assert!(limit.contains("pubsub 268435456 67108864 60"), "{limit}");
}

#[tokio::test]
async fn a_cluster_serves_every_slot() {
    let cluster = RedisCluster::start(3).await;
    assert!(cluster.url().starts_with("redis-cluster://127.0.0.1:"));
    assert_eq!(cluster.url().split(',').count(), 3);
    let port = cluster.nodes()[0].port().to_string();
    for key in ["a", "b", "c", "d", "e", "f"] {
        let answer = std::process::Command::new("redis-cli")
            .args(["-c", "-p", &port, "SET", key, "x"])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "OK");
    }
}
