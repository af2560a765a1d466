//! Postgres as the tests of other crates use it.

use testkit::Postgres;

#[tokio::test]
async fn committed_rows_survive_stop_kill_9_and_restart() {
    let mut postgres = Postgres::start().await;
    let url = postgres.create_database().await;
    let database = url.rsplit('/').next().unwrap().to_owned();
    postgres.query(&database, "CREATE TABLE kept (n int)").await;
    for (round, n) in [0, 1, 2].into_iter().enumerate() {
        postgres.query(&database, &format!("INSERT INTO kept VALUES ({n})")).await;
        match round {
            0 => postgres.restart().await,
            _ => {
                postgres.kill9().await;
                postgres.start_again().await;
            }
        }
    }
    assert_eq!(postgres.query(&database, "SELECT n FROM kept ORDER BY n").await, "0\n1\n2");
    assert_eq!(postgres.url(&database), url);
}

#[tokio::test]
async fn every_database_is_new_and_utf8_and_fsync_is_on() {
    let postgres = Postgres::shared().await;
    let (first, second) = (postgres.create_database().await, postgres.create_database().await);
    assert_ne!(first, second);
    assert_eq!(postgres.query("test_0", "SHOW server_encoding").await, "UTF8");
    assert_eq!(postgres.query("test_0", "SHOW fsync").await, "on");
}
