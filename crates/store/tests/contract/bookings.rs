//! Events with seats: what one client after the other sees.

use domain::ports::{Booked, Cancelled, NewBooking, PortError, Receipt};
use domain::words::{BookableEvent, BookingId, EventId, SeatChangeKind, Timestamp, UserId};

use crate::scene::{Scene, user};

/// A request of `by` without a key.
pub(crate) fn request(event: EventId, by: &str, quantity: u64) -> NewBooking {
    NewBooking { event, user: user(by), quantity, key: None }
}

/// The same under a key.
pub(crate) fn keyed(event: EventId, by: &str, quantity: u64, key: &str) -> NewBooking {
    NewBooking { key: Some(key.to_owned()), ..request(event, by, quantity) }
}

pub(crate) fn receipt(booked: Booked) -> Receipt {
    let Booked::Yes(receipt) = booked else { panic!("{booked:?}") };
    receipt
}

impl Scene {
    /// An event with so many seats.
    pub(crate) async fn event(&self, seats: u64) -> EventId {
        self.bookings.create_event("a concert", seats).await.unwrap().id
    }

    pub(crate) async fn book(&self, request: &NewBooking) -> Booked {
        self.bookings.book(request).await.unwrap()
    }

    pub(crate) async fn available(&self, event: EventId) -> u64 {
        self.bookings.event(event).await.unwrap().unwrap().available_seats
    }

    /// Makes every booking older.
    async fn let_hours_pass(&self, hours: u32) {
        let hour_ago = if self.is_postgres() { "interval '1 hour'" } else { "3600000" };
        self.execute(&format!("UPDATE bookings SET created_at = created_at - {hours} * {hour_ago}")).await;
    }
}

pub(crate) async fn a_new_event_has_all_its_seats_and_the_newest_event_comes_first(scene: &Scene) {
    let bookings = &scene.bookings;
    let (first, none) = (bookings.create_event("Räuber", 3).await.unwrap(), scene.event(0).await);
    let expected =
        BookableEvent { id: first.id, title: "Räuber".into(), total_seats: 3, available_seats: 3 };
    assert_eq!((&first, bookings.event(first.id).await.unwrap()), (&expected, Some(expected.clone())));
    scene.book(&request(first.id, "anna", 2)).await;
    let listed: Vec<_> =
        bookings.events(10).await.unwrap().iter().map(|e| (e.id, e.available_seats)).collect();
    assert_eq!(listed, [(none, 0), (first.id, 1)]);
    assert_eq!(bookings.events(1).await.unwrap().len(), 1);
    assert_eq!(bookings.event(EventId::new(4711).unwrap()).await.unwrap(), None);
}

pub(crate) async fn a_booking_takes_its_seats_and_is_the_next_change_of_its_event(scene: &Scene) {
    let (event, other) = (scene.event(10).await, scene.event(10).await);
    assert_eq!(scene.bookings.version(event).await.unwrap(), 0);
    let numeric = NewBooking { user: UserId::number(7).unwrap(), ..request(event, "x", 2) };
    let begun = Timestamp::now();
    let (first, second) =
        (receipt(scene.book(&numeric).await), receipt(scene.book(&request(event, "7", 3)).await));
    scene.book(&request(other, "anna", 1)).await;
    assert_eq!((first.available, second.available, scene.available(event).await), (8, 5, 5));
    assert_eq!(scene.bookings.version(event).await.unwrap(), 2);
    let changes = scene.bookings.changes(event, 0, 10).await.unwrap();
    let told: Vec<_> =
        changes.iter().map(|c| (c.event, c.version, c.kind, &c.booking, c.available)).collect();
    let kind = SeatChangeKind::Booked;
    assert_eq!(told, [(event, 1, kind, &first.booking, 8), (event, 2, kind, &second.booking, 5)]);
    assert_eq!(changes.iter().map(|c| c.user.is_numeric()).collect::<Vec<_>>(), [true, false]);
    assert!(
        changes.iter().all(|c| c.user == user("7") && begun.0 - 5000 < c.at.0 && c.at.0 < begun.0 + 60_000)
    );
}

pub(crate) async fn more_seats_than_are_left_are_sold_out_and_nothing_is_booked(scene: &Scene) {
    let event = scene.event(3).await;
    for quantity in [4, 1 << 53, i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs() + 1, u64::MAX] {
        assert_eq!(scene.book(&request(event, "anna", quantity)).await, Booked::SoldOut, "{quantity}");
    }
    let nowhere = EventId::new((1 << 53) - 1).unwrap();
    for quantity in [1, u64::MAX] {
        assert_eq!(scene.book(&request(nowhere, "anna", quantity)).await, Booked::UnknownEvent);
    }
    let none = scene.bookings.book(&request(event, "anna", 0)).await;
    assert!(matches!(none, Err(PortError::Refused(_))), "{none:?}");
    let too_many = scene.bookings.create_event("too many", u64::MAX).await;
    assert!(matches!(too_many, Err(PortError::Refused(_))), "{too_many:?}");
    assert_eq!((scene.available(event).await, scene.bookings.version(event).await.unwrap()), (3, 0));
    assert_eq!(scene.bookings.version(nowhere).await.unwrap(), 0);
    assert_eq!(scene.count("SELECT count(*) FROM bookings").await, 0);
    assert_eq!(receipt(scene.book(&request(event, "anna", 3)).await).available, 0);
}

pub(crate) async fn a_repeated_key_is_answered_with_the_first_receipt(scene: &Scene) {
    let event = scene.event(10).await;
    let first = receipt(scene.book(&keyed(event, "anna", 2, "k")).await);
    scene.book(&request(event, "bert", 3)).await;
    for _ in 0..2 {
        assert_eq!(receipt(scene.book(&keyed(event, "anna", 2, "k")).await), first);
    }
    // Keys are their users' own, and whole.
    for other in [keyed(event, "bert", 2, "k"), keyed(event, "anna", 1, "K"), keyed(event, "annak", 1, "")] {
        assert_ne!(receipt(scene.book(&other).await).booking, first.booking);
    }
    // A repeat says what happened then, whatever happened since.
    scene.bookings.cancel(&first.booking, None).await.unwrap();
    assert_eq!(receipt(scene.book(&keyed(event, "anna", 2, "k")).await), first);
    assert_eq!((scene.available(event).await, scene.bookings.version(event).await.unwrap()), (3, 6));
}

pub(crate) async fn a_key_with_another_event_or_quantity_is_a_conflict(scene: &Scene) {
    let (event, other) = (scene.event(10).await, scene.event(10).await);
    scene.book(&keyed(event, "anna", 2, "k")).await;
    let nowhere = EventId::new(4711).unwrap();
    for (event, quantity) in [(event, 1), (event, 11), (event, u64::MAX), (other, 2), (nowhere, 2)] {
        assert_eq!(scene.book(&keyed(event, "anna", quantity, "k")).await, Booked::Conflict);
    }
    assert_eq!((scene.available(event).await, scene.available(other).await), (8, 10));
}

pub(crate) async fn a_request_that_booked_nothing_does_not_use_up_its_key(scene: &Scene) {
    let event = scene.event(2).await;
    assert_eq!(scene.book(&keyed(event, "anna", 3, "k")).await, Booked::SoldOut);
    let nowhere = EventId::new(4711).unwrap();
    assert_eq!(scene.book(&keyed(nowhere, "anna", 1, "k")).await, Booked::UnknownEvent);
    assert_eq!(receipt(scene.book(&keyed(event, "anna", 2, "k")).await).available, 0);
}

pub(crate) async fn a_key_is_free_again_after_a_day(scene: &Scene) {
    let event = scene.event(10).await;
    let first = receipt(scene.book(&keyed(event, "anna", 2, "k")).await);
    scene.let_hours_pass(23).await;
    assert_eq!(receipt(scene.book(&keyed(event, "anna", 2, "k")).await), first);
    scene.let_hours_pass(1).await;
    // Whoever books nothing takes no key either, an old one neither.
    assert_eq!(scene.book(&keyed(event, "anna", 9, "k")).await, Booked::SoldOut);
    let second = receipt(scene.book(&keyed(event, "anna", 3, "k")).await);
    assert_ne!(second.booking, first.booking);
    assert_eq!(scene.book(&keyed(event, "anna", 2, "k")).await, Booked::Conflict);
    assert!(matches!(scene.bookings.cancel(&first.booking, None).await.unwrap(), Cancelled::Now(_)));
}

pub(crate) async fn a_cancelled_booking_gives_its_seats_back_once(scene: &Scene) {
    let event = scene.event(10).await;
    let booking = receipt(scene.book(&request(event, "anna", 4)).await).booking;
    let cancelled = scene.bookings.cancel(&booking, Some(&user("anna"))).await.unwrap();
    assert_eq!(cancelled, Cancelled::Now(Receipt { booking: booking.clone(), available: 10 }));
    for by in [None, Some(&user("anna")), Some(&user("bert"))] {
        assert_eq!(scene.bookings.cancel(&booking, by).await.unwrap(), Cancelled::Unknown);
    }
    assert_eq!(scene.bookings.cancel(&BookingId::fresh(), None).await.unwrap(), Cancelled::Unknown);
    assert_eq!((scene.available(event).await, scene.bookings.version(event).await.unwrap()), (10, 2));
    let told = scene.bookings.changes(event, 1, 10).await.unwrap().remove(0);
    assert_eq!((told.version, told.kind, told.available), (2, SeatChangeKind::Cancelled, 10));
    assert_eq!((told.booking, told.user), (booking, user("anna")));
}

pub(crate) async fn somebody_elses_booking_is_cancelled_by_whoever_may_alone(scene: &Scene) {
    let event = scene.event(10).await;
    let booking = receipt(scene.book(&request(event, "anna", 4)).await).booking;
    assert_eq!(scene.bookings.cancel(&booking, Some(&user("bert"))).await.unwrap(), Cancelled::NotTheirs);
    assert_eq!((scene.available(event).await, scene.bookings.version(event).await.unwrap()), (6, 1));
    assert!(matches!(scene.bookings.cancel(&booking, None).await.unwrap(), Cancelled::Now(_)));
}
