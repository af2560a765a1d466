//! One message to many members of one node: from the broker's inbox to every client's transport. `make bench`.
//!
//! The node and its connections are the real ones; transports only count.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must stop")]

#[path = "../tests/allocations/client.rs"]
mod client;
#[path = "../tests/allocations/edge.rs"]
mod edge;
#[path = "../tests/allocations/plain.rs"]
mod plain;

use divan::Bencher;
use divan::counter::ItemsCount;
use domain::ports::{Broker, Sealer};
use domain::words::{Author, Content, Draft, Kind, MessageId, Namespace, RoomId, Timestamp, UserId};
use tokio::runtime::Builder;

use edge::{Edge, TEXT};
use plain::Members;

fn main() {
    divan::main();
}

/// A room with members, all on this thread.
struct Room {
    edge: Edge,
    members: Members,
}

impl Room {
    fn with(members: usize) -> Self {
        let edge = Edge::on(Builder::new_current_thread().enable_all().build().unwrap());
        let members = Members::join(&edge, members);
        edge.runtime.block_on(members.heard(1));
        Self { edge, members }
    }

    fn draft(&self) -> Draft {
        let (room, id) = (RoomId::new(Namespace::Room, "lounge").unwrap(), MessageId::new());
        let body = self.edge.sealer.seal(&room, id, &Content::text(TEXT).to_bytes());
        Draft {
            room,
            id,
            kind: Kind::Message,
            target: None,
            author: Author { user: UserId::text("anna").unwrap(), name: Some("Anna".into()) },
            client_id: None,
            sent_at: Timestamp::now(),
            origin: None,
            body,
        }
    }

    /// Puts one message into every member's queue.
    fn cast(&self, draft: Draft) {
        self.edge.runtime.block_on(self.edge.broker.publish(draft)).unwrap();
    }

    /// Waits until every member was shown one more.
    fn drain(&self) {
        self.edge.runtime.block_on(self.members.heard(1));
    }
}

const MEMBERS: [usize; 3] = [10, 1_000, 10_000];

/// Into the queues; every member's task is woken.
#[divan::bench(args = MEMBERS, sample_size = 1, sample_count = 200)]
fn cast(bencher: Bencher<'_, '_>, members: usize) {
    let room = Room::with(members);
    room.cast(room.draft());
    let prepared = || {
        room.drain();
        room.draft()
    };
    bencher
        .counter(ItemsCount::new(members))
        .with_inputs(prepared)
        .bench_local_values(|draft| room.cast(draft));
}

/// Into the queues, and out of them to every transport.
#[divan::bench(args = MEMBERS, sample_size = 1, sample_count = 200)]
fn cast_and_drain(bencher: Bencher<'_, '_>, members: usize) {
    let room = Room::with(members);
    bencher.counter(ItemsCount::new(members)).with_inputs(|| room.draft()).bench_local_values(|draft| {
        room.cast(draft);
        room.drain();
    });
}
