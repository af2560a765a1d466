//! A booker: books on the schedule whatever becomes of the bookings before, and cancels some of them again.
//!
//! Owns the schedule and asking until the answer is clear. Every request carries a key of its own, so one that is
//! repeated is one booking. The requests live in the booker's `JoinSet` and end with it.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use rand::Rng;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    client::backoff,
    feed::{
        board::{What, Word},
        bookers, closing,
        desk::{Asker, Booked, Cancelled},
    },
    run::{control::Stage, world::World},
    wire::message::Stamp,
};

/// Requests of one booker under way; what is due beyond that is shed, and the report says so.
const UNDER_WAY: usize = 256;
/// Between a booking and its cancellation.
const CHANGE_OF_MIND: Duration = Duration::from_secs(1);

/// One booking that is due.
#[derive(Debug, Clone)]
struct Order {
    user: usize,
    number: u64,
    token: String,
    /// In microseconds of the run's clock.
    intended: u64,
    /// It is one of the schedule's, and counts as sent and acknowledged like a message.
    scheduled: bool,
}

/// How many bookings the schedule calls for before `span` has passed.
pub(crate) fn due_before(world: &World, span: Duration) -> u64 {
    let feed = &world.scenario.feed;
    if bookers(feed, world.scenario.users) == 0 {
        return 0;
    }
    let guess = (span.as_secs_f64() * feed.rate) as u64;
    // The float may be off by one in either direction; ask the schedule itself.
    let first = guess.saturating_sub(2);
    (first..).find(|number| offset(*number, feed.rate) >= span).unwrap_or(first)
}

fn offset(number: u64, rate: f64) -> Duration {
    Duration::from_secs_f64(number as f64 / rate)
}

/// The whole life: booking number k of all bookers together is due at k / rate.
pub(super) async fn live(world: Arc<World>, user: usize, token: String) {
    let bookers = bookers(&world.scenario.feed, world.scenario.users) as u64;
    let mut stages = world.control.stages();
    let mut requests = JoinSet::new();
    let mut number = user as u64;
    while let Some(due) = next(&world, &mut stages, number).await {
        while requests.try_join_next().is_some() {}
        let intended = world.clock.at(due);
        let order = Order { user, number, token: token.clone(), intended, scheduled: true };
        number += bookers;
        if requests.len() < UNDER_WAY {
            requests.spawn(carry_out(Arc::clone(&world), order));
        } else {
            world.tally.shed.add(1);
        }
    }
    tokio::select! {
        () = async { while requests.join_next().await.is_some() {} } => {}
        () = closing(&mut stages) => {}
    }
}

/// Waits for the moment at which booking `number` is due; none if it falls behind the end.
async fn next(world: &World, stages: &mut watch::Receiver<Stage>, number: u64) -> Option<Instant> {
    loop {
        let stage = *stages.borrow_and_update();
        let (since, until) = match stage {
            Stage::Joining => {
                stages.changed().await.ok()?;
                continue;
            }
            Stage::Sending { since } => (since, None),
            Stage::Settling { since, until } | Stage::Sweeping { since, until } => (since, Some(until)),
            Stage::Closing => return None,
        };
        let due = since + offset(number, world.scenario.feed.rate);
        if until.is_some_and(|until| due >= until) {
            return None;
        }
        tokio::select! {
            () = sleep_until(due) => return Some(due),
            changed = stages.changed() => changed.ok()?,
        }
    }
}

/// One booking of a user who does other things as well, due now. Returns when its answer is clear.
pub(crate) async fn book(world: Arc<World>, user: usize, token: String) {
    let intended = world.clock.now();
    // Above every number of the schedule, and different at every call.
    let number = u64::from(rand::random::<u32>()) << 32 | intended & u64::from(u32::MAX);
    carry_out(world, Order { user, number, token, intended, scheduled: false }).await;
}

async fn carry_out(world: Arc<World>, order: Order) {
    let _open = Open::new(&world);
    let stamp = Stamp { intended: order.intended, sent: world.clock.now() };
    world.tally.sent.add(u64::from(order.scheduled));
    if order.scheduled && world.is_measured(stamp) {
        world.latency.lag(order.user, stamp.sent.saturating_sub(stamp.intended));
    }
    let Some(booking) = ask_to_book(&world, &order, stamp).await else { return };
    if rand::rng().random_bool(world.scenario.feed.cancel) {
        sleep(CHANGE_OF_MIND).await;
        cancel(&world, &order, &booking).await;
    }
}

/// Books, however often it takes; the booking, unless the event is sold out.
async fn ask_to_book(world: &World, order: &Order, stamp: Stamp) -> Option<String> {
    let show = world.shows.at(order.user.wrapping_add(order.number as usize))?;
    let key = format!("{}-{}-{}", world.run.id, order.user, order.number);
    for attempt in 0.. {
        let asker = Asker { token: &order.token, turn: order.user.wrapping_add(attempt as usize) };
        match world.shows.desk.book(asker, show.id, &key).await {
            Booked::Yes(made) => {
                let available = Some(made.available_seats);
                let word = Word { booking: &made.booking_id, what: What::Created, available };
                answered(world, order, "book", stamp);
                show.confirm(world, word, stamp);
                return Some(made.booking_id);
            }
            Booked::SoldOut => {
                answered(world, order, "sold out", stamp);
                return None;
            }
            Booked::Unclear(code) => again(world, &code, attempt).await,
        }
    }
    None
}

async fn cancel(world: &World, order: &Order, booking: &str) {
    let Some(show) = world.shows.at(order.user.wrapping_add(order.number as usize)) else { return };
    let now = world.clock.now();
    let stamp = Stamp { intended: now, sent: now };
    for attempt in 0.. {
        let asker = Asker { token: &order.token, turn: order.user.wrapping_add(attempt as usize) };
        let available = match world.shows.desk.cancel(asker, booking).await {
            Cancelled::Yes { available } => Some(available),
            Cancelled::Before if attempt > 0 => None,
            Cancelled::Before => {
                world.tally.disordered.add(1);
                return world.tally.finding(|| format!("event {}: {booking} is made and not found", show.id));
            }
            Cancelled::Unclear(code) => {
                again(world, &code, attempt).await;
                continue;
            }
        };
        world.tally.act("cancel");
        world.latency.acted("cancel", world.clock.now().saturating_sub(stamp.intended));
        return show.confirm(world, Word { booking, what: What::Cancelled, available }, stamp);
    }
}

/// A booking has its answer, whatever it says.
fn answered(world: &World, order: &Order, act: &'static str, stamp: Stamp) {
    world.tally.acknowledged.add(u64::from(order.scheduled));
    world.tally.act(act);
    world.latency.acted(act, world.clock.now().saturating_sub(stamp.intended));
}

/// Counts what was in the way and waits.
async fn again(world: &World, code: &str, attempt: u32) {
    world.tally.error(code);
    world.tally.resent.add(1);
    sleep(backoff::wait(attempt)).await;
}

/// A request whose outcome is not known yet, counted until it is dropped.
struct Open<'a>(&'a World);

impl<'a> Open<'a> {
    fn new(world: &'a World) -> Self {
        world.shows.open.fetch_add(1, Relaxed);
        Self(world)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.shows.open.fetch_sub(1, Relaxed);
    }
}
