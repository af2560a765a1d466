//! The outbox: brought once, in order, whatever happens to whoever brings it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Courier, PortError};
use domain::words::{EventId, SeatChange, Timestamp};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::bookings::{receipt, request};
use crate::scene::Scene;

/// Remembers what it brought; comes to grief at its `stop`th change, or stands there for ever.
#[derive(Default)]
pub(crate) struct Cart {
    brought: Mutex<Vec<SeatChange>>,
    fails_at: Option<usize>,
    stands_at: Option<usize>,
    pub(crate) stands: Notify,
}

impl Cart {
    pub(crate) fn standing_at(place: usize) -> Self {
        Self { stands_at: Some(place), ..Self::default() }
    }

    fn failing_at(place: usize) -> Self {
        Self { fails_at: Some(place), ..Self::default() }
    }

    /// The (event, version) of each change, as they were brought.
    pub(crate) fn brought(&self) -> Vec<(EventId, u64)> {
        self.brought.lock().unwrap().iter().map(|change| (change.event, change.version)).collect()
    }
}

#[async_trait]
impl Courier for Cart {
    async fn carry(&self, change: &SeatChange) -> Result<(), PortError> {
        let place = self.brought.lock().unwrap().len() + 1;
        if self.fails_at == Some(place) {
            return Err(PortError::Unavailable("a wheel is off".into()));
        }
        if self.stands_at == Some(place) {
            self.stands.notify_one();
            std::future::pending::<()>().await;
        }
        self.brought.lock().unwrap().push(change.clone());
        Ok(())
    }
}

impl Scene {
    /// An event with so many bookings.
    pub(crate) async fn booked(&self, count: u64) -> EventId {
        let event = self.event(1000).await;
        for _ in 0..count {
            receipt(self.book(&request(event, "anna", 1)).await);
        }
        event
    }

    pub(crate) async fn relay(&self, cart: &Cart, limit: usize) -> Result<usize, PortError> {
        self.bookings.relay(cart, limit).await
    }
}

fn versions(event: EventId, versions: std::ops::RangeInclusive<u64>) -> Vec<(EventId, u64)> {
    versions.map(|version| (event, version)).collect()
}

pub(crate) async fn every_change_is_brought_once_as_it_is_written(scene: &Scene) {
    let (cart, nothing) = (Cart::default(), scene.relay(&Cart::default(), 10).await);
    assert_eq!(nothing, Ok(0));
    let event = scene.booked(5).await;
    assert_eq!(scene.relay(&cart, 0).await, Ok(0));
    assert_eq!((scene.relay(&cart, 3).await, scene.relay(&cart, 3).await), (Ok(3), Ok(2)));
    assert_eq!(scene.relay(&cart, 3).await, Ok(0));
    assert_eq!(cart.brought(), versions(event, 1..=5));
    let booking = cart.brought.lock().unwrap()[0].booking.clone();
    scene.bookings.cancel(&booking, None).await.unwrap();
    assert_eq!(scene.relay(&cart, 3).await, Ok(1));
    assert_eq!(scene.bookings.changes(event, 0, 10).await.unwrap(), *cart.brought.lock().unwrap());
}

pub(crate) async fn each_events_changes_come_in_order_and_none_waits_behind_a_busy_one(scene: &Scene) {
    let (busy, quiet) = (scene.event(1000).await, scene.event(1000).await);
    for number in 0..30 {
        scene.book(&request(if number % 10 == 0 { quiet } else { busy }, "anna", 1)).await;
    }
    let cart = Cart::default();
    assert_eq!(scene.relay(&cart, 15).await, Ok(15));
    assert!(cart.brought().contains(&(quiet, 2)));
    assert_eq!(scene.relay(&cart, 100).await, Ok(15));
    let of = |event| cart.brought().into_iter().filter(|(of, _)| *of == event).collect::<Vec<_>>();
    assert_eq!((of(busy), of(quiet)), (versions(busy, 1..=27), versions(quiet, 1..=3)));
}

pub(crate) async fn a_courier_that_fails_midway_leaves_the_rest_to_the_next(scene: &Scene) {
    let event = scene.booked(5).await;
    let (broken, sound) = (Cart::failing_at(4), Cart::default());
    let failed = scene.relay(&broken, 10).await;
    assert_eq!(failed, Err(PortError::Unavailable("a wheel is off".into())));
    assert_eq!(scene.relay(&sound, 10).await, Ok(2));
    assert_eq!((broken.brought(), sound.brought()), (versions(event, 1..=3), versions(event, 4..=5)));
}

pub(crate) async fn a_relay_that_is_dropped_midway_leaves_the_rest_to_the_next(scene: &Scene) {
    let event = scene.booked(5).await;
    let (stands, sound) = (Cart::standing_at(4), Cart::default());
    tokio::select! {
        ended = scene.relay(&stands, 10) => panic!("{ended:?}"),
        () = stands.stands.notified() => {}
    }
    scene.relay_until(&sound, &(event, 5)).await;
    // The last few may come again, none is left out.
    let mut all = [stands.brought(), sound.brought()].concat();
    assert_eq!(sound.brought(), versions(event, sound.brought()[0].1..=5));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, versions(event, 1..=5));
}

impl Scene {
    /// Relays as another process, again and again, until this change was brought.
    pub(crate) async fn relay_until(&self, cart: &Cart, last: &(EventId, u64)) {
        let other = self.another_process().await;
        let relays = async {
            while !cart.brought().contains(last) {
                other.relay(cart, 100).await.unwrap();
            }
        };
        timeout(Duration::from_secs(20), relays).await.expect("the outbox is brought");
    }
}

pub(crate) async fn two_processes_that_relay_at_once_bring_every_change_once(scene: &Scene) {
    let event = scene.event(1000).await;
    let writers = (0..4).map(|_| {
        let bookings = Arc::clone(&scene.bookings);
        tokio::spawn(async move {
            for _ in 0..50 {
                receipt(bookings.book(&request(event, "anna", 1)).await.unwrap());
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    // One cart, so that what both bring is in the order in which it was brought.
    let cart = Arc::new(Cart::default());
    let relays = [Arc::clone(&scene.bookings), scene.another_process().await].map(|bookings| {
        let cart = Arc::clone(&cart);
        tokio::spawn(async move {
            while cart.brought().len() < 200 {
                bookings.relay(&*cart, 7).await.unwrap();
            }
        })
    });
    for task in writers.into_iter().chain(relays) {
        timeout(Duration::from_secs(60), task).await.expect("all is brought").unwrap();
    }
    assert_eq!(cart.brought(), versions(event, 1..=200));
}

pub(crate) async fn changes_above_a_version_are_read_whether_they_were_brought_or_not(scene: &Scene) {
    let (event, other) = (scene.booked(3).await, scene.booked(2).await);
    scene.relay(&Cart::default(), 100).await.unwrap();
    scene.book(&request(event, "anna", 1)).await;
    let read = async |event, after, limit| {
        let changes = scene.bookings.changes(event, after, limit).await.unwrap();
        changes.into_iter().map(|change| (change.event, change.version)).collect::<Vec<_>>()
    };
    assert_eq!(read(event, 0, 100).await, versions(event, 1..=4));
    assert_eq!(read(event, 1, 2).await, versions(event, 2..=3));
    assert_eq!(read(other, 1, 100).await, versions(other, 2..=2));
    for (event, after) in [(event, 4), (event, u64::MAX), (EventId::new(4711).unwrap(), 0)] {
        assert_eq!(read(event, after, 100).await, []);
    }
}

pub(crate) async fn changes_that_were_brought_long_ago_are_forgotten_and_no_others(scene: &Scene) {
    let event = scene.booked(3).await;
    let day = |days: i64| Timestamp(Timestamp::now().0 + days * 86_400_000);
    assert_eq!(scene.bookings.prune(day(1)).await, Ok(0));
    scene.relay(&Cart::default(), 2).await.unwrap();
    assert_eq!(scene.bookings.prune(day(-1)).await, Ok(0));
    assert_eq!(scene.bookings.prune(day(1)).await, Ok(2));
    let cart = Cart::default();
    assert_eq!(scene.relay(&cart, 10).await, Ok(1));
    assert_eq!(cart.brought(), versions(event, 3..=3));
    assert_eq!((scene.bookings.version(event).await, scene.available(event).await), (Ok(3), 997));
}
