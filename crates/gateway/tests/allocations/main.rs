//! What one delivered frame costs in heap allocations, and how often one message is encoded, on a whole edge.
//!
//! The node, its doors and its sockets are the real ones; the broker is the one in memory. The clients at the other end
//! allocate nothing, so what is counted is the server's. One test at a time: the counter is the process's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod client;
mod edge;
mod plain;
mod profile;

use std::sync::{Mutex, MutexGuard, PoisonError};

use client::{BURST, Client};
use edge::{Edge, Speech};
use profile::Cost;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Members of the one room, in a first run and in a second one; the sender is one of them. What the second one allocates
/// more is the deliveries'.
const MEMBERS: [usize; 2] = [10, 50];
/// Messages that are counted.
const MESSAGES: usize = 128;
/// Messages before: every buffer has its size by then.
const WARM_UP: usize = 96;

/// What a delivery may allocate, in bursts or not: nothing. Frames are shared, queues and socket buffers keep their room.
/// The rest is for the node's own clocks, which go on meanwhile; a real allocation would be 1.
const PER_DELIVERY: f64 = 0.05;
/// The same to a client that recovers and has heard of several rooms: what it is told of its places is its own.
const PER_PLACED_DELIVERY: f64 = 3.1;
/// What a message may allocate, however many hear it: reading, sealing, numbering, opening, encoding once.
const PER_MESSAGE: f64 = 25.0;

/// Keeps the tests of this file apart.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says one message after the other, `burst` at once, and waits until all members have all of them.
fn talk(clients: &mut [Client], messages: usize, burst: usize) {
    for _ in 0..messages / burst {
        clients[0].say(burst);
        clients.iter_mut().for_each(|client| client.hear(burst));
    }
}

/// Counts what the deliveries to a room at one door allocate.
fn cost(speech: Speech, burst: usize) -> Cost {
    Cost::of(MESSAGES, MEMBERS, |members| {
        let edge = Edge::start();
        let mut clients = edge.members(speech, members);
        talk(&mut clients, WARM_UP, BURST);
        talk(&mut clients, WARM_UP, burst);
        profile::measure(|| talk(&mut clients, MESSAGES, burst))
    })
}

fn check(name: &str, cost: &Cost, per_delivery: f64) {
    println!("{name}: {cost}");
    assert!(cost.per_delivery() <= per_delivery, "{name}, allocations per delivery: {cost}");
    assert!(cost.per_message() <= PER_MESSAGE, "{name}, allocations per message: {cost}");
}

#[test]
fn a_delivered_frame_allocates_nothing_at_any_door() {
    let _alone = alone();
    for speech in [Speech::Rooms, Speech::Hub, Speech::SocketIo] {
        check(&format!("{speech:?}, paced"), &cost(speech, 1), PER_DELIVERY);
    }
}

#[test]
fn a_burst_allocates_nothing_for_its_deliveries_either() {
    let _alone = alone();
    for speech in [Speech::Rooms, Speech::Hub, Speech::SocketIo] {
        check(&format!("{speech:?}, in bursts"), &cost(speech, BURST), PER_DELIVERY);
    }
}

#[test]
fn a_frame_with_places_of_its_own_allocates_a_few_times() {
    let _alone = alone();
    check("Chats, paced", &cost(Speech::Chats, 1), PER_PLACED_DELIVERY);
}

#[test]
fn the_node_itself_allocates_nothing_for_a_delivery() {
    let _alone = alone();
    let cost = Cost::of(MESSAGES, MEMBERS, |members| {
        let edge = Edge::start();
        let plain = plain::Members::join(&edge, members);
        plain.hear(1);
        let mut sender = edge.client(Speech::Rooms, members);
        let mut round = |count: usize| {
            for _ in 0..count {
                sender.say(1);
                sender.hear(1);
                plain.hear(1);
            }
        };
        round(WARM_UP);
        profile::measure(|| round(MESSAGES))
    });
    check("a transport that only counts", &cost, PER_DELIVERY);
}

#[test]
fn a_message_is_encoded_once_for_each_dialect_however_many_hear_it() {
    let _alone = alone();
    for members in [1, 4, 16] {
        let edge = Edge::start();
        let speeches = [Speech::Rooms, Speech::Hub, Speech::SocketIo];
        let mut clients: Vec<_> = (0..members * speeches.len())
            .map(|number| edge.client(speeches[number % speeches.len()], number))
            .collect();
        let before = edge.encodings();
        talk(&mut clients, 8, 1);
        for (now, before) in edge.encodings().into_iter().zip(before) {
            assert_eq!(now - before, 8, "one encoding per message and dialect, {members} members of each");
        }
    }
}
