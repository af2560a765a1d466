//! Events with seats, when everybody wants them at once.

use std::sync::Arc;

use domain::ports::{Booked, Cancelled, NewBooking};
use domain::words::{EventId, SeatChangeKind};

use crate::bookings::{keyed, receipt, request};
use crate::scene::{Scene, user};

const WRITERS: u64 = 8;

/// What becomes of these requests, made at once by [`WRITERS`] who each make theirs one after the other.
async fn at_once(scene: &Scene, requests: Vec<NewBooking>) -> Vec<Booked> {
    let requests = Arc::new(requests);
    let writers = (0..usize::try_from(WRITERS).unwrap()).map(|writer| {
        let (bookings, requests) = (Arc::clone(&scene.bookings), Arc::clone(&requests));
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for request in requests.iter().skip(writer).step_by(usize::try_from(WRITERS).unwrap()) {
                answers.push(bookings.book(request).await.unwrap());
            }
            answers
        })
    });
    let mut answers = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        answers.extend(writer.await.unwrap());
    }
    answers
}

/// The event's changes have the versions 1, 2, 3, …, each says what is left after it, and nothing is ever below zero.
async fn check_history(scene: &Scene, event: EventId, seats: u64, booked: usize) {
    let changes = scene.bookings.changes(event, 0, 10_000).await.unwrap();
    let versions: Vec<_> = changes.iter().map(|change| change.version).collect();
    let expected: Vec<_> = (1..=u64::try_from(changes.len()).unwrap()).collect();
    assert_eq!(versions, expected);
    assert!(changes.is_sorted_by_key(|change| change.at));
    let kinds = changes.iter().filter(|change| change.kind == SeatChangeKind::Booked);
    assert_eq!(kinds.count(), booked);
    let mut left = seats;
    for change in &changes {
        match change.kind {
            SeatChangeKind::Booked => assert!(change.available < left, "{change:?} after {left}"),
            SeatChangeKind::Cancelled => assert!(change.available > left, "{change:?} after {left}"),
        }
        left = change.available;
    }
    assert_eq!(scene.available(event).await, left);
    assert_eq!(scene.bookings.version(event).await.unwrap(), *versions.last().unwrap());
}

pub(crate) async fn five_hundred_seats_are_booked_by_two_thousand_attempts_exactly(scene: &Scene) {
    let event = scene.event(500).await;
    let requests = (0..2000).map(|number| request(event, &format!("u-{}", number % 97), 1));
    let answers = at_once(scene, requests.collect()).await;
    let booked = answers.iter().filter(|answer| matches!(answer, Booked::Yes(_))).count();
    let sold_out = answers.iter().filter(|answer| **answer == Booked::SoldOut).count();
    assert_eq!((booked, sold_out), (500, 1500));
    assert_eq!(scene.available(event).await, 0);
    assert_eq!(scene.count("SELECT count(*) FROM bookings").await, 500);
    check_history(scene, event, 500, 500).await;
}

pub(crate) async fn parties_of_one_to_four_fill_an_event_and_never_more(scene: &Scene) {
    let event = scene.event(500).await;
    let requests: Vec<_> =
        (0..2000).map(|number| request(event, &format!("u-{}", number % 97), number * 7 % 4 + 1)).collect();
    let answers = at_once(scene, requests).await;
    let booked = answers.iter().filter(|answer| matches!(answer, Booked::Yes(_))).count();
    // Parties of one come to the end, so that no seat stays free.
    assert_eq!(scene.available(event).await, 0);
    assert_eq!(scene.count("SELECT CAST(sum(quantity) AS bigint) FROM bookings").await, 500);
    check_history(scene, event, 500, booked).await;
}

pub(crate) async fn repeats_of_one_request_at_once_book_once_and_get_one_receipt(scene: &Scene) {
    let event = scene.event(500).await;
    // Each request eight times, by each writer at about the same moment.
    let requests =
        (0..50 * WRITERS).map(|number| keyed(event, "anna", 2, &format!("k-{}", number / WRITERS)));
    let answers = at_once(scene, requests.collect()).await;
    let mut receipts: Vec<_> =
        answers.into_iter().map(receipt).map(|r| (r.booking.to_string(), r.available)).collect();
    receipts.sort();
    assert!(receipts.chunks(8).all(|same| same.iter().all(|other| *other == same[0])));
    receipts.dedup();
    assert_eq!((receipts.len(), scene.available(event).await), (50, 400));
    check_history(scene, event, 500, 50).await;
}

pub(crate) async fn the_last_seat_is_not_sold_out_to_whoever_repeats_its_request(scene: &Scene) {
    for _ in 0..20 {
        let event = scene.event(1).await;
        let requests = (0..WRITERS).map(|_| keyed(event, "anna", 1, &format!("last of {event}")));
        let answers = at_once(scene, requests.collect()).await;
        assert!(answers.iter().all(|answer| matches!(answer, Booked::Yes(_))), "{answers:?}");
    }
}

pub(crate) async fn of_many_bookings_under_one_key_at_once_one_stands(scene: &Scene) {
    let event = scene.event(500).await;
    let requests = (0..WRITERS).map(|number| keyed(event, "anna", number + 1, "k"));
    let answers = at_once(scene, requests.collect()).await;
    let booked = answers.iter().filter(|answer| matches!(answer, Booked::Yes(_))).count();
    let conflicts = answers.iter().filter(|answer| **answer == Booked::Conflict).count();
    assert_eq!((booked, conflicts), (1, usize::try_from(WRITERS).unwrap() - 1));
    check_history(scene, event, 500, 1).await;
}

pub(crate) async fn a_booking_that_many_cancel_at_once_is_cancelled_once(scene: &Scene) {
    let event = scene.event(500).await;
    let booking = receipt(scene.book(&request(event, "anna", 4)).await).booking;
    let rivals = (0..WRITERS).map(|_| {
        let (bookings, booking) = (Arc::clone(&scene.bookings), booking.clone());
        tokio::spawn(async move { bookings.cancel(&booking, Some(&user("anna"))).await.unwrap() })
    });
    let mut cancelled = 0;
    for rival in rivals.collect::<Vec<_>>() {
        cancelled += u64::from(matches!(rival.await.unwrap(), Cancelled::Now(_)));
    }
    assert_eq!(cancelled, 1);
    check_history(scene, event, 500, 1).await;
}

pub(crate) async fn seats_are_exact_while_some_book_and_others_cancel(scene: &Scene) {
    let event = scene.event(20).await;
    let writers = (0..WRITERS).map(|writer| {
        let bookings = Arc::clone(&scene.bookings);
        tokio::spawn(async move {
            let mut booked = 0;
            for number in 0..60 {
                let answer = bookings.book(&request(event, "anna", (writer + number) % 4 + 1)).await.unwrap();
                let Booked::Yes(receipt) = answer else { continue };
                booked += 1;
                let cancelled = bookings.cancel(&receipt.booking, None).await.unwrap();
                assert!(matches!(cancelled, Cancelled::Now(_)));
            }
            booked
        })
    });
    let mut booked = 0;
    for writer in writers.collect::<Vec<_>>() {
        booked += writer.await.unwrap();
    }
    assert_eq!(scene.available(event).await, 20);
    check_history(scene, event, 20, booked).await;
}
