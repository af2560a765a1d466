//! A Postgres that is away, restarted, frozen or slow; and data that Postgres alone refuses.
//!
//! Each test that breaks a server has a server of its own.

#![allow(clippy::unwrap_used, reason = "a test ends where its helpers fail")]

#[path = "contract/bookings.rs"]
#[allow(dead_code, reason = "the contract suite uses all of it")]
mod bookings;
#[path = "contract/outbox.rs"]
#[allow(dead_code, reason = "the contract suite uses all of it")]
mod outbox;
#[path = "contract/scene.rs"]
#[allow(dead_code, reason = "the contract suite uses all of it")]
mod scene;
#[path = "outage/bookings.rs"]
mod trouble;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ports::{PortError, Removed, Store};
use domain::words::{Author, NewChat, Role, Timestamp};
use scene::{Scene, lease, message, room};
use sqlx::Connection;
use store::StoreOptions;
use testkit::Postgres;

const PATIENCE: Duration = Duration::from_millis(700);

fn impatient(max_connections: u32) -> StoreOptions {
    StoreOptions { max_connections, acquire_timeout: PATIENCE, statement_timeout: PATIENCE }
}

async fn migrated(url: &str, options: StoreOptions) -> Arc<dyn Store> {
    store::migrate(url).await.unwrap();
    store::open(url, options).await.unwrap().store
}

#[tokio::test]
async fn an_absent_server_is_named_by_host_and_port_and_never_by_password() {
    let port = testkit::free_port();
    let url = format!("postgres://hubbub:hunter2@127.0.0.1:{port}/hubbub");
    let store = store::open(&url, impatient(1)).await.unwrap().store;
    for error in [store.ready().await.unwrap_err(), store::migrate(&url).await.unwrap_err()] {
        assert!(matches!(error, PortError::Unavailable(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("127.0.0.1:{port}")) && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn an_illegible_url_is_refused_without_repeating_it() {
    for url in ["mysql://hubbub:hunter2@host/x", "hunter2", "postgres://hubbub:hunter2@host:port/x", ""] {
        let PortError::Refused(text) = store::open(url, impatient(1)).await.err().unwrap() else {
            panic!("{url} is not refused")
        };
        assert!(!text.contains("hunter2"), "{text}");
        assert!(matches!(store::migrate(url).await, Err(PortError::Refused(_))));
    }
}

#[tokio::test]
async fn a_restarted_server_costs_one_call_however_many_connections_it_had() {
    let mut server = Postgres::start().await;
    let store = migrated(&server.create_database().await, impatient(4)).await;
    let calls = || async { tokio::join!(store.ready(), store.ready(), store.ready(), store.ready()) };
    assert_eq!(calls().await, (Ok(()), Ok(()), Ok(()), Ok(())));
    server.restart().await;
    let first = store.append(&[lease(0, 1)], &[message(1, "text")]).await;
    assert!(matches!(first, Err(PortError::Unavailable(_))), "{first:?}");
    assert_eq!(calls().await, (Ok(()), Ok(()), Ok(()), Ok(())));
    assert!(store.append(&[lease(0, 1)], &[message(1, "text")]).await.is_ok());
}

#[tokio::test]
async fn a_frozen_server_ends_every_call_in_time_and_is_used_again_when_it_thaws() {
    let server = Postgres::start().await;
    let url = server.create_database().await;
    let store = migrated(&url, impatient(2)).await;
    store.ready().await.unwrap();
    let backends = server
        .query(
            "test_0",
            "SELECT pid FROM pg_stat_activity WHERE datname = 'test_0' AND pid <> pg_backend_pid()",
        )
        .await;
    assert!(!backends.is_empty());
    // First the connections that we have, then the server itself, which accepts and never answers.
    for backend in backends.lines() {
        signal("STOP", backend);
    }
    server.pause();
    let begun = Instant::now();
    assert_eq!(store.append(&[lease(0, 1)], &[message(1, "text")]).await, Err(PortError::Deadline));
    let second = store.page(&room("7"), None, 10).await;
    assert!(matches!(second, Err(PortError::Unavailable(_))), "{second:?}");
    assert!(begun.elapsed() < 4 * PATIENCE, "{:?}", begun.elapsed());
    server.resume();
    for backend in backends.lines() {
        signal("CONT", backend);
    }
    let thawed = async { while store.append(&[lease(0, 1)], &[message(1, "text")]).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(30), thawed).await.expect("the server is used again");
}

#[tokio::test]
async fn a_statement_that_waits_too_long_ends_in_a_deadline_and_did_nothing() {
    let server = Postgres::shared().await;
    let url = server.create_database().await;
    let store = migrated(&url, impatient(2)).await;
    store.append(&[lease(0, 1)], &[]).await.unwrap();
    let mut rival = sqlx::PgConnection::connect(&url).await.unwrap();
    let mut lock = rival.begin().await.unwrap();
    sqlx::query("SELECT fence FROM shards FOR UPDATE").execute(&mut *lock).await.unwrap();
    let answer = store.append(&[lease(0, 1)], &[message(1, "text")]).await;
    assert_eq!(answer, Err(PortError::Deadline));
    lock.rollback().await.unwrap();
    assert!(store.begins("first").await.unwrap());
    assert!(store.append(&[lease(0, 1)], &[message(1, "text")]).await.is_ok());
}

#[tokio::test]
async fn a_change_of_a_chat_that_waits_too_long_ends_in_a_deadline_and_did_nothing() {
    let server = Postgres::shared().await;
    let url = server.create_database().await;
    store::migrate(&url).await.unwrap();
    let directory = store::open(&url, impatient(2)).await.unwrap().directory;
    let anna = Author { user: scene::user("anna"), name: None };
    directory.admit(&anna, Role::User, true).await.unwrap();
    let new = NewChat {
        room: scene::chat("a"),
        title: None,
        owner: anna.user.clone(),
        others: vec![],
        direct: false,
    };
    directory.create_chat(&new).await.unwrap();
    let mut rival = sqlx::PgConnection::connect(&url).await.unwrap();
    let mut lock = rival.begin().await.unwrap();
    sqlx::query("SELECT id FROM chats FOR UPDATE").execute(&mut *lock).await.unwrap();
    let answer = directory.remove_participant(&new.room, &anna.user).await;
    assert_eq!(answer, Err(PortError::Deadline));
    // Looking is not changing: it does not wait.
    assert_eq!(directory.chats_of(&anna.user).await.unwrap().len(), 1);
    lock.rollback().await.unwrap();
    assert_eq!(directory.remove_participant(&new.room, &anna.user).await, Ok(Removed::Now));
}

#[tokio::test]
async fn what_postgres_refuses_is_refused_and_never_unavailable() {
    let scene = Scene::postgres().await;
    let mut nul = message(1, "text");
    nul.draft.author = Author { user: nul.draft.author.user, name: Some("nul\0".into()) };
    let mut never = message(2, "text");
    never.draft.sent_at = Timestamp(i64::MAX);
    for poison in [nul, never] {
        let answer = scene.store.append(&[lease(0, 1)], &[message(3, "sound"), poison]).await;
        assert!(matches!(answer, Err(PortError::Refused(_))), "{answer:?}");
        assert!(scene.store.begins("first").await.unwrap());
    }
}

/// Signals one backend of a server that the test itself started.
fn signal(name: &str, pid: &str) {
    let done = std::process::Command::new("kill").args(["-s", name, pid]).status().unwrap();
    assert!(done.success());
}
