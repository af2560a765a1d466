//! The final audit against a real SQLite file that the fake server writes while the run goes on.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use fake::{Fake, Habits, SECRET};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use swarm::{Options, Report, Verdict};

const TABLE: &str = "CREATE TABLE messages (id BLOB, room TEXT, epoch INTEGER, seq INTEGER, user_id TEXT, target_id BLOB, deleted_at INTEGER, \
                     client_id TEXT, kind TEXT)";

async fn run_with(habits: Habits) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(TABLE).execute(&pool).await.unwrap();
    let fake = Fake::with_database(habits, Some(pool.clone())).await;
    let database = Some(format!("sqlite://{}", file.display()));
    let scenario = swarm::Scenario { persistence: std::time::Duration::from_secs(1), ..fake.scenario() };
    let options = Options { secret: SECRET.into(), database, ..Options::default() };
    let report = swarm::run(scenario, options).await.unwrap();
    pool.close().await;
    report
}

#[tokio::test]
async fn everything_stored_once_where_the_clients_saw_it_passes() {
    let report = run_with(Habits { new_epoch_at: Some(10), ..Habits::default() }).await;
    assert_eq!(report.verdict, Verdict::Passed, "{report}");
    assert!(report.database_audited);
    assert_eq!(report.counters.rows_in_database, report.counters.acknowledged);
}

#[tokio::test]
async fn a_row_that_was_never_written_is_missing_and_a_hole() {
    let report = run_with(Habits { loses_row: Some(7), ..Habits::default() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!(report.counters.missing_in_database, 2, "one per room: {report}");
    assert_eq!(report.counters.holes_in_database, 2, "{report}");
}

#[tokio::test]
async fn a_row_that_was_written_twice_is_doubled() {
    let report = run_with(Habits { doubles_row: Some(7), ..Habits::default() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!(report.counters.doubled_in_database, 2, "{report}");
}
