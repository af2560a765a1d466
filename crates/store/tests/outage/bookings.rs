//! Bookings and their outbox while Postgres, or whoever brings the outbox, is in trouble.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{Booked, Bookings, PortError};
use domain::words::EventId;
use sqlx::{Connection, PgConnection};
use store::StoreOptions;
use testkit::Postgres;
use tokio::time::timeout;

use crate::bookings::{keyed, receipt, request};
use crate::outbox::Cart;
use crate::{PATIENCE, impatient};

/// A new database, and one process's bookings in it.
async fn opened() -> (String, Arc<dyn Bookings>) {
    let url = Postgres::shared().await.create_database().await;
    store::migrate(&url).await.unwrap();
    let bookings = another_process(&url).await;
    (url, bookings)
}

async fn another_process(url: &str) -> Arc<dyn Bookings> {
    store::open(url, impatient(2)).await.unwrap().bookings
}

async fn booked(bookings: &dyn Bookings, count: u64) -> EventId {
    let event = bookings.create_event("a concert", 1000).await.unwrap().id;
    for _ in 0..count {
        receipt(bookings.book(&request(event, "anna", 1)).await.unwrap());
    }
    event
}

/// Every booking from now on meets this error twice before it is let through.
async fn get_in_the_way(url: &str, sqlstate: &str) {
    let trigger = format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('tries') % 3 <> 0 THEN RAISE SQLSTATE '{sqlstate}'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER collide BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION collide();"
    );
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_booking_that_collides_with_others_is_tried_again_and_made_once() {
    for sqlstate in ["40001", "40P01"] {
        let (url, bookings) = opened().await;
        get_in_the_way(&url, sqlstate).await;
        let event = booked(&*bookings, 3).await;
        let changes = bookings.changes(event, 0, 10).await.unwrap();
        assert_eq!(changes.iter().map(|change| change.version).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(bookings.event(event).await.unwrap().unwrap().available_seats, 997);
    }
}

#[tokio::test]
async fn seats_are_exact_in_a_database_that_isolates_more_by_default() {
    let (url, _) = opened().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let set =
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable',
                                          current_database()); END $$";
    sqlx::raw_sql(set).execute(&mut connection).await.unwrap();
    let bookings = store::open(&url, StoreOptions::default()).await.unwrap().bookings;
    let event = bookings.create_event("a concert", 50).await.unwrap().id;
    let writers = (0..8).map(|_| {
        let bookings = Arc::clone(&bookings);
        tokio::spawn(async move {
            for number in 0..20 {
                let answer = bookings.book(&keyed(event, "anna", 1, &format!("k-{number}"))).await.unwrap();
                assert!(matches!(answer, Booked::Yes(_)), "{answer:?}");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(bookings.event(event).await.unwrap().unwrap().available_seats, 30);
}

#[tokio::test]
async fn a_booking_that_waits_too_long_ends_in_a_deadline_and_may_be_repeated() {
    let (url, bookings) = opened().await;
    let event = booked(&*bookings, 0).await;
    let mut rival = PgConnection::connect(&url).await.unwrap();
    let mut lock = rival.begin().await.unwrap();
    sqlx::query("SELECT id FROM events FOR UPDATE").execute(&mut *lock).await.unwrap();
    let again = keyed(event, "anna", 1, "k");
    assert_eq!(bookings.book(&again).await, Err(PortError::Deadline));
    lock.rollback().await.unwrap();
    let first = receipt(bookings.book(&again).await.unwrap());
    assert_eq!((first.available, receipt(bookings.book(&again).await.unwrap())), (999, first));
}

#[tokio::test]
async fn while_another_process_brings_the_outbox_there_is_nothing_to_bring() {
    let (url, bookings) = opened().await;
    let event = booked(&*bookings, 3).await;
    let (stands, cart) = (Cart::standing_at(2), Cart::default());
    let other = another_process(&url).await;
    tokio::select! {
        ended = bookings.relay(&stands, 10) => panic!("{ended:?}"),
        turned_away = async {
            stands.stands.notified().await;
            other.relay(&cart, 10).await
        } => assert_eq!(turned_away, Ok(0)),
    }
    // The first one's future is gone, and its turn with it.
    let relays = async { while other.relay(&cart, 10).await.unwrap() == 0 {} };
    timeout(Duration::from_secs(20), relays).await.expect("the outbox is brought");
    assert_eq!(cart.brought(), [(event, 1), (event, 2), (event, 3)]);
}

#[tokio::test]
async fn a_courier_that_never_comes_back_is_given_up_and_what_it_brought_is_marked() {
    let (_, bookings) = opened().await;
    let event = booked(&*bookings, 3).await;
    let (stands, cart) = (Cart::standing_at(3), Cart::default());
    assert_eq!(bookings.relay(&stands, 10).await, Err(PortError::Deadline));
    assert_eq!(bookings.relay(&cart, 10).await, Ok(1));
    assert_eq!((stands.brought(), cart.brought()), (vec![(event, 1), (event, 2)], vec![(event, 3)]));
}

#[tokio::test]
async fn a_process_that_is_stopped_in_its_turn_loses_it() {
    let (url, bookings) = opened().await;
    let event = booked(&*bookings, 3).await;
    let (stands, cart) = (Cart::standing_at(2), Cart::default());
    let mut stopped = bookings.relay(&stands, 10);
    tokio::select! {
        biased;
        () = stands.stands.notified() => {}
        ended = &mut stopped => panic!("{ended:?}"),
    }
    // Not dropped, and not polled any more: as if its process were stopped.
    let other = another_process(&url).await;
    let relays = async { while other.relay(&cart, 10).await.unwrap() == 0 {} };
    timeout(20 * PATIENCE, relays).await.expect("the server takes the turn away");
    assert_eq!(cart.brought(), [(event, 1), (event, 2), (event, 3)]);
    // Awake again, it finds out.
    assert!(stopped.await.is_err());
    assert_eq!(bookings.relay(&cart, 10).await, Ok(0));
    receipt(bookings.book(&request(event, "anna", 1)).await.unwrap());
    assert_eq!(bookings.relay(&cart, 10).await, Ok(1));
}
